"""Ours beside torch-mimicry's SAGAN: the same images, cores and hour."""
