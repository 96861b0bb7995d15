"""The generators and discriminators, built of `sagan_tf.layers`."""

from __future__ import annotations

import importlib
from typing import Any

# TensorFlow is imported with the first of them, not for `widths`.
_HOMES = {
    "DCGANDiscriminator": "dcgan",
    "DCGANGenerator": "dcgan",
    "Discriminator": "resnet",
    "Generator": "resnet",
    "StagedGenerator": "sides",
    "bake": "baking",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Imports a public name when it is first wanted."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(home, name)
