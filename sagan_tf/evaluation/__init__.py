"""Scores of generated pictures, each with its protocol."""
