"""The embedded data set: two shapes that agree though they are far apart.

Each image shows one shape in the middle of its left half and one in the middle
of its right half, on a pale background that fades from one hue to a
neighbouring one. The class is the kind of shape. Both shapes have the same
kind and the same colour; their heights and their sizes are free of each other,
and so is the background. Between them lies nothing but background, so nothing
local tells a network that the two must agree.
"""

from __future__ import annotations

import numpy as np

from sagan_tf.data.formats.outlines import SHAPES
from sagan_tf.data.importer import DrawnImages
from sagan_tf.errors import UserError

CLASS_NAMES = tuple(SHAPES)
# Images that are drawn unless a number is given.
_USUAL = {"train": 20_000, "test": 10_000}
# Test images have indices that no training set reaches. A multiple of ten, so
# that their classes follow each other from the first on as well.
_TEST_START = 10**12
# Largest and smallest radius, as shares of the size: 5 to 6.5 pixels of 32.
_RADII = (5 / 32, 6.5 / 32)
# Free border around a shape: 1 pixel of 32.
_MARGIN = 1 / 32
# Pixels drawn at once: their arrays stay in the processor's cache.
_CHUNK_PIXELS = 2**18


class Twins(DrawnImages):
    """The embedded data set.

    Args:
        split: `"train"` or `"test"`, which share no image.

    Raises:
        UserError: if there is no such split.
    """

    smallest_size = 32

    def __init__(self, split: str = "train") -> None:
        if split not in _USUAL:
            raise UserError(
                f"`split` of twins should be train or test. Received: {split!r}"
            )
        self._start = _TEST_START if split == "test" else 0
        self.usual_count = _USUAL[split]
        super().__init__("twins", "data set `twins`", _TEST_START, CLASS_NAMES)

    def draw(
        self, indices: np.ndarray, image_size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the images of the given numbers, and their labels."""
        return draw(indices + self._start, image_size=image_size)


def draw(
    indices: np.ndarray, *, image_size: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Draws the images of the given numbers.

    An image depends on its number, on the seed and on the size alone, and looks
    the same at every size. Its class is its number modulo ten.

    Args:
        indices: `(batch,)` numbers, not negative.
        image_size: height and width in pixels, from 32.
        seed: another seed draws other images.

    Returns:
        Images `(batch, image_size, image_size, 3)` uint8 and labels `(batch,)`
        int32.
    """
    indices = np.asarray(indices, np.int64)
    labels = (indices % len(CLASS_NAMES)).astype(np.int32)
    images = np.empty((len(indices), image_size, image_size, 3), np.uint8)
    step = max(1, _CHUNK_PIXELS // image_size**2)
    for start in range(0, len(indices), step):
        part = slice(start, start + step)
        numbers = _uniform_numbers(indices[part], seed, 11)
        images[part] = _paint(numbers, labels[part], image_size)
    return images, labels


def _paint(
    numbers: np.ndarray, labels: np.ndarray, image_size: int
) -> np.ndarray:
    """Returns uint8 images of the given uniform numbers and classes."""
    hue, saturation, value = numbers[:3]
    canvas = _background(*numbers[3:7], image_size)
    colours = _colour(hue, 0.80 + 0.12 * saturation, 0.88 + 0.12 * value)
    # Bright hues, such as green, would glare beside blue.
    red, green, blue = colours.T
    colours *= 1 - 0.11 * (0.3 * red + 0.6 * green + 0.1 * blue)[:, None]
    # Both halves of all images at once: half the calls.
    radii = _RADII[0] + (_RADII[1] - _RADII[0]) * numbers[7:9].ravel()
    lowest = radii + _MARGIN
    heights = lowest + (1 - 2 * lowest) * numbers[9:11].ravel()
    cover = _cover(np.tile(labels, 2), radii, heights, image_size)
    half = cover.shape[-1]
    places = slice(0, half), slice(image_size - half, image_size)
    for place, mask in zip(places, np.split(cover[..., None], 2)):
        view = canvas[:, :, place]
        view += mask * (colours[:, None, None] - view)
    return np.rint(canvas * np.float32(255)).astype(np.uint8)


def _background(
    hue: np.ndarray,
    hue_change: np.ndarray,
    saturation: np.ndarray,
    direction: np.ndarray,
    image_size: int,
) -> np.ndarray:
    """Returns a pale fade from one hue to another across the whole image."""
    saturation = 0.06 + 0.08 * saturation
    near = _colour(hue, saturation, np.full_like(hue, 1.0))
    far_hue = hue + 0.30 * (hue_change - 0.5)
    far = _colour(far_hue, 1.5 * saturation, np.full_like(hue, 0.95))
    line = np.linspace(-0.5, 0.5, image_size, dtype=np.float32)
    angle = 2 * np.pi * direction
    across = np.cos(angle).astype(np.float32)[:, None, None] * line
    down = np.sin(angle).astype(np.float32)[:, None, None] * line[:, None]
    # The corners are at most sqrt(1/2) away from the middle.
    blend = (0.5 + (across + down) * np.float32(np.sqrt(0.5)))[..., None]
    return near[:, None, None] + blend * (far - near)[:, None, None]


def _cover(
    labels: np.ndarray, radii: np.ndarray, heights: np.ndarray, image_size: int
) -> np.ndarray:
    """Returns which share of each pixel of a half the shape covers.

    Args:
        labels: `(shapes,)` kinds.
        radii: `(shapes,)` radii as shares of the size of the image.
        heights: `(shapes,)` centres from above, likewise.
        image_size: size of the image in pixels.

    Returns:
        `(shapes, image_size, image_size // 2)` float32 in [0, 1].
    """
    half = image_size // 2
    cover = np.empty((len(labels), image_size, half), np.float32)
    radii = (radii * image_size).astype(np.float32)[:, None, None]
    heights = (heights * image_size).astype(np.float32)[:, None, None]
    columns = np.arange(half, dtype=np.float32) + np.float32(0.5 - half / 2)
    rows = np.arange(image_size, dtype=np.float32)[:, None] + np.float32(0.5)
    for kind, shape in enumerate(SHAPES.values()):
        chosen = np.flatnonzero(labels == kind)
        radius = radii[chosen]
        x, y = np.broadcast_arrays(
            columns / radius, (rows - heights[chosen]) / radius
        )
        cover[chosen] = np.clip(0.5 - shape(x, y) * radius, 0, 1)
    return cover


def _colour(
    hue: np.ndarray, saturation: np.ndarray, value: np.ndarray
) -> np.ndarray:
    """Returns `(batch, 3)` float32 RGB in [0, 1]; hues wrap around at 1."""
    sixths = (6 * hue[:, None] + np.array([0.0, 4.0, 2.0])) % 6
    pure = np.clip(np.abs(sixths - 3) - 1, 0, 1)
    rgb = value[:, None] * (1 + saturation[:, None] * (pure - 1))
    return rgb.astype(np.float32)


def _uniform_numbers(indices: np.ndarray, seed: int, count: int) -> np.ndarray:
    """Returns `(count, batch)` numbers in [0, 1), each a hash of its place.

    The hash is the output function of SplitMix64 (Steele, Lea and Flood, "Fast
    splittable pseudorandom number generators", 2014), once for the seed, once
    for the index and once for the number.
    """
    key = _mix(np.array([seed % 2**64], np.uint64))
    key = _mix(key + indices.astype(np.uint64))
    bits = _mix(key + np.arange(count, dtype=np.uint64)[:, None])
    return (bits >> np.uint64(11)) * 2.0**-53


def _mix(state: np.ndarray) -> np.ndarray:
    state = state * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    state = (state ^ state >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ state >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return state ^ state >> np.uint64(31)
