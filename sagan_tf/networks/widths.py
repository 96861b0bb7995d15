"""Widths of the residual networks, in units of `base_channels`.

How often the smallest map is doubled to the image decides alone, so that images
of 40 pixels have the widths of 32, and images of 96 those of 64.
"""

from __future__ import annotations

from sagan_tf.image_sizes import ImageSize, base, doublings, sides

# By the number of doublings: of the generator's first map, then of each
# up-block. From four on the discriminator has the same backwards, the last one
# without pooling. Three are SNGAN on CIFAR (arXiv:1802.05957, table 4), seven
# BigGAN at 512 pixels (arXiv:1809.11096, appendix B).
_GENERATOR = {
    3: (4, 4, 4, 4),
    4: (16, 8, 4, 2, 1),
    5: (16, 16, 8, 4, 2, 1),
    6: (16, 16, 8, 8, 4, 2, 1),
    7: (16, 16, 8, 8, 4, 2, 1, 1),
}
_SMALL_DISCRIMINATOR = (2, 2, 2, 2)


def generator_widths(image_size: ImageSize) -> tuple[int, ...]:
    """Returns the generator's widths: of its first map, then of each block."""
    return _GENERATOR[doublings(image_size)]


def discriminator_widths(image_size: ImageSize) -> tuple[int, ...]:
    """Returns the widths of the discriminator's blocks."""
    widths = generator_widths(image_size)
    if doublings(image_size) == min(_GENERATOR):
        return _SMALL_DISCRIMINATOR
    return widths[::-1]


def generator_heights(image_size: ImageSize) -> tuple[int, ...]:
    """Returns the heights of the maps that the generator's blocks give."""
    first, _ = base(image_size)
    count = len(generator_widths(image_size)) - 1
    return tuple(first * 2 ** (index + 1) for index in range(count))


def discriminator_heights(image_size: ImageSize) -> tuple[int, ...]:
    """Returns the heights of the maps that the discriminator's blocks give."""
    height, _ = sides(image_size)
    smallest, _ = base(image_size)
    widths = discriminator_widths(image_size)
    if widths == _SMALL_DISCRIMINATOR:
        smallest *= 2
    return tuple(
        max(height // 2 ** (index + 1), smallest)
        for index in range(len(widths))
    )


def strided_heights(image_size: ImageSize) -> tuple[int, ...]:
    """Returns the heights of the maps of the strided pair, the least first.

    The map of height `h` has `base_channels * image_height / (2 * h)` channels
    in both networks.
    """
    first, _ = base(image_size)
    return tuple(first * 2**n for n in range(doublings(image_size)))


def by_height(
    architecture: str, image_size: ImageSize
) -> dict[str, dict[int, int]]:
    """Returns the widths of the maps that may attend, by their heights.

    Args:
        architecture: `"resnet"` or `"dcgan"`.
        image_size: a size that fits.

    Returns:
        For `generator` and `discriminator` the channels in units of
        `base_channels`, by the height in pixels, from twice the smallest map
        (the smallest itself with `"dcgan"`) to half of the image.
    """
    whole, _ = sides(image_size)
    if architecture == "dcgan":
        widths = {
            height: whole // (2 * height)
            for height in strided_heights(image_size)
        }
        return {"generator": widths, "discriminator": widths}
    drawn = generator_heights(image_size)
    seen = discriminator_heights(image_size)
    generator = dict(zip(drawn, generator_widths(image_size)[1:]))
    discriminator = dict(zip(seen, discriminator_widths(image_size)))
    heights = drawn[:-1]
    return {
        "generator": {height: generator[height] for height in heights},
        "discriminator": {height: discriminator[height] for height in heights},
    }
