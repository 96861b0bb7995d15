"""One door to every data set: a name in, batches of images out."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sagan_tf.data.dataset import ImageDataset
    from sagan_tf.data.loading import open_dataset

__all__ = ["ImageDataset", "open_dataset"]

_MODULES = {"ImageDataset": "dataset", "open_dataset": "loading"}


def __getattr__(name: str) -> Any:
    """Imports TensorFlow when a data set is wanted, not for an importer."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)
