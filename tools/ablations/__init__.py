"""What `python -m tools.ablation` is made of."""
