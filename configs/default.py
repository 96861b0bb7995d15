"""The default configuration: every field, as the library has it.

The fields and their meaning stand in docs/configuration.md.
"""

from sagan_tf.configuration.default import get_config

__all__ = ["get_config"]
