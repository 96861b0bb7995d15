"""Heights and widths of images: squares and others.

The networks take a height and a width that are a base of 4 to 7 pixels, doubled
some times, the same number for both: 32 is 4 doubled thrice, 128 x 224 is 4 x 7
doubled five times.
"""

from __future__ import annotations

import itertools
import numbers
from typing import Any, Union

# Height and width, one number for both where they are equal.
ImageSize = Union[int, "tuple[int, int]"]

SMALLEST, LARGEST = 32, 512
_BASES = range(4, 8)
_DOUBLINGS = range(3, 8)
EXPECTED = (
    f"a height, or a height and a width, from {SMALLEST} to {LARGEST}, both 4 "
    "to 7 times the same power of two"
)


def as_size(image_size: Any) -> ImageSize | None:
    """Returns a number for squares and a pair for others; None for neither."""
    pair = (image_size, image_size) if _is_integer(image_size) else image_size
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        return None
    if not all(_is_integer(side) and side > 0 for side in pair):
        return None
    height, width = map(int, pair)
    return height if height == width else (height, width)


def _is_integer(value: Any) -> bool:
    is_integral = isinstance(value, numbers.Integral)
    return is_integral and not isinstance(value, bool)


def sides(image_size: ImageSize) -> tuple[int, int]:
    """Returns height and width in pixels."""
    if isinstance(image_size, numbers.Integral):
        return int(image_size), int(image_size)
    height, width = image_size
    return height, width


def words(image_size: ImageSize) -> str:
    """Returns `64x96` for 64 pixels of height and 96 of width."""
    height, width = sides(image_size)
    return f"{height}x{width}"


def fits(image_size: Any) -> bool:
    """Returns whether the networks have such a size."""
    size = as_size(image_size)
    return size is not None and size in _all_sizes()


def check(image_size: Any) -> ImageSize:
    """Returns a size that the networks have, as `as_size` does.

    Raises:
        ValueError: if they do not; the message names the two nearest sizes.
    """
    if not fits(image_size):
        raise ValueError(
            f"`image_size` should be {EXPECTED}. Received: {image_size}"
            f"{nearest(image_size)}"
        )
    return as_size(image_size)


def nearest(image_size: Any) -> str:
    """Returns the two nearest sizes that fit, in words; empty for no size."""
    size = as_size(image_size)
    if size is None:
        return ""
    asked, candidates = sides(size), _all_sizes()
    if not isinstance(size, tuple):
        candidates = [each for each in candidates if isinstance(each, int)]

    def distance(each: ImageSize) -> int:
        return sum(abs(a - b) for a, b in zip(sides(each), asked))

    first, second = sorted(candidates, key=distance)[:2]
    return f"; the nearest are {first} and {second}"


def _all_sizes() -> list[ImageSize]:
    """Returns every size that the networks have, small ones first."""
    found = []
    for doublings in _DOUBLINGS:
        fitting = [base * 2**doublings for base in _BASES]
        fitting = [side for side in fitting if side <= LARGEST]
        found += itertools.product(fitting, fitting)
    return [as_size(pair) for pair in found]


def base(image_size: ImageSize) -> tuple[int, int]:
    """Returns height and width of the smallest map, from 4 to 7 each."""
    height, width = sides(image_size)
    factor = 2 ** doublings(image_size)
    return height // factor, width // factor


def doublings(image_size: ImageSize) -> int:
    """Returns how often the smallest map is doubled to the image."""
    height, _ = sides(image_size)
    return height.bit_length() - 3


def map_width(image_size: ImageSize, height: int) -> int:
    """Returns the width of the map of some height, of the image's form."""
    whole, width = sides(image_size)
    return height * width // whole
