"""A generator as a SavedModel: written, proven equal, and read again."""

from sagan_tf.exporting.exported import ExportedGenerator
from sagan_tf.exporting.saved_model import export

__all__ = ["ExportedGenerator", "export"]
