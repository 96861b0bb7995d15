"""What `python -m tools.benchmark` measures, and how."""
