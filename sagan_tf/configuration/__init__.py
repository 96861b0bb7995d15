"""Configurations: read from files, and held against the rules of each field."""
