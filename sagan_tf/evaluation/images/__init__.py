"""Images to be scored: of files and of a generator."""
