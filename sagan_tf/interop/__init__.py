"""Readers of checkpoints that other implementations wrote."""
