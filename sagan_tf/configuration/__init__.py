"""Configurations: read by name or path, and held against each field's rules."""

from sagan_tf.configuration.files import load_config

__all__ = ["load_config"]
