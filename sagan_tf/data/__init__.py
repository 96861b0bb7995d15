"""One door to every data set: a name in, batches of pictures out."""
