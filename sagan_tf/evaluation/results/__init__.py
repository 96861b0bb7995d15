"""What becomes of scores: tables, plots, copies, files of the images."""
