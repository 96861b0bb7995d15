"""What `python -m tools.prepare_dataset` is made of."""
