"""Widths of the residual networks, in units of `base_channels`.

The generator's first is that of its 4x4 map, the others those of its up-blocks.
From 64 pixels up the discriminator has the same widths backwards, the last one
without pooling. At 32 both are those of SNGAN on CIFAR (arXiv:1802.05957,
table 4).
"""

from __future__ import annotations

GENERATOR_WIDTHS = {
    32: (4, 4, 4, 4),
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
DISCRIMINATOR_WIDTHS = {
    32: (2, 2, 2, 2),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}


def check_image_size(image_size: int) -> None:
    """Refuses a size without widths.

    Raises:
        ValueError: if the residual networks have no such size.
    """
    if image_size not in GENERATOR_WIDTHS:
        raise ValueError(
            f"`image_size` should be one of {tuple(GENERATOR_WIDTHS)}. "
            f"Received: {image_size}"
        )
