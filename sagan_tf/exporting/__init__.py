"""A generator in a file: written, proven equal, and read again."""

from sagan_tf.exporting.exported import (
    ExportedGenerator,
    SignedGenerator,
    sign,
)
from sagan_tf.exporting.keras_format import export_keras
from sagan_tf.exporting.saved_model import export
from sagan_tf.exporting.single_file import export_file

__all__ = [
    "ExportedGenerator",
    "SignedGenerator",
    "export",
    "export_file",
    "export_keras",
    "sign",
]
