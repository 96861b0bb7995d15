"""Images to be scored: of files, of a generator, and how networks see them."""
