"""Training configurations: `default.py` and small differences from it."""
