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


def by_height(architecture: str, image_size: int) -> dict[str, dict[int, int]]:
    """Returns the widths of the maps that may attend, by their heights.

    Args:
        architecture: `"resnet"` or `"dcgan"`.
        image_size: height of the images in pixels.

    Returns:
        For `generator` and `discriminator` the channels in units of
        `base_channels`, by the height in pixels, from 8 (4 with `"dcgan"`) to
        half of the image.
    """
    if architecture == "dcgan":
        heights = [4 * 2**i for i in range(image_size.bit_length() - 3)]
        widths = {height: image_size // (2 * height) for height in heights}
        return {"generator": widths, "discriminator": widths}
    generator = GENERATOR_WIDTHS[image_size]
    discriminator = DISCRIMINATOR_WIDTHS[image_size]
    heights = [8 * 2**i for i in range(len(generator) - 2)]
    pooled = [image_size // 2 ** (i + 1) for i in range(len(discriminator))]
    channels = dict(zip(pooled, discriminator))
    return {
        "generator": dict(zip(heights, generator[1:])),
        "discriminator": {height: channels[height] for height in heights},
    }
