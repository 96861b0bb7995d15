"""What is kept of a set of images: statistics, gathered once."""
