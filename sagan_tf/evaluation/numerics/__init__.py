"""What scores are computed with, on arrays alone."""
