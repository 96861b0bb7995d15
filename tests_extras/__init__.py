"""Tests of what the base set-up does not install: make test-extras."""
