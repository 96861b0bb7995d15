"""Keras layers of SAGAN: leaves without config, flags or data."""
