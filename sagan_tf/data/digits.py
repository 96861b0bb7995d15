"""The handwritten digits that scikit-learn carries: real data, offline.

1797 digits by 43 hands, 8x8 pixels of 17 levels, bright ink on black: the test
part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI
Machine Learning Repository, 1998).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from sagan_tf.data.counts import first_examples
from sagan_tf.data.dataset import ImageDataset
from sagan_tf.data.sources import ArraySource
from sagan_tf.errors import UserError

CLASS_NAMES = tuple("0123456789")
# 8x8 pixels and a border of one.
_SMALLEST_SIZE = 10
_SOURCE_WHITE = 16
# One digit of so many is for testing.
_TEST_SHARE = 6


def open_digits(
    *,
    image_size: int,
    num_classes: int | None = None,
    num_examples: int | None = None,
    split: str = "train",
) -> ImageDataset:
    """Open the handwritten digits, enlarged and in three equal channels.

    Args:
        image_size: height and width in pixels, from 10.
        num_classes: `None` or 10; 0 for an unconditional run.
        num_examples: only the first so many.
        split: `"train"` for 1498 digits, `"test"` for the 299 others.

    Raises:
        UserError: if an argument does not fit.
    """
    if split not in ("train", "test"):
        raise UserError(
            f"`split` of digits should be train or test. Received: {split!r}."
        )
    if image_size < _SMALLEST_SIZE:
        raise UserError(
            f"`image_size` of digits should be at least {_SMALLEST_SIZE}. "
            f"Received: {image_size}."
        )
    digits, labels = _load(split)
    count = first_examples("digits", len(digits), num_examples)
    return ImageDataset(
        ArraySource(enlarge(digits[:count], image_size), labels[:count]),
        name="digits",
        image_size=image_size,
        class_names=CLASS_NAMES,
        num_classes=num_classes,
    )


def enlarge(digits: np.ndarray, image_size: int) -> np.ndarray:
    """Return digits enlarged by Pillow's bicubic filter.

    The digits touch the border of their 8x8 pixels: they get one pixel of
    black around them first, so that strokes end inside the picture.

    Args:
        digits: `(batch, 8, 8)` levels of ink in [0, 16].
        image_size: height and width of the result in pixels.

    Returns:
        `(batch, image_size, image_size, 3)` uint8, three equal channels.
    """
    size = (image_size, image_size)
    levels = digits.astype(np.float32) * (255 / _SOURCE_WHITE)
    grey = [
        Image.fromarray(digit).resize(size, Image.Resampling.BICUBIC)
        for digit in np.pad(levels, [(0, 0), (1, 1), (1, 1)])
    ]
    # The filter overshoots at the edges of the strokes.
    levels = np.clip(np.rint(np.stack(grey)), 0, 255).astype(np.uint8)
    return np.repeat(levels[..., None], 3, axis=-1)


def _load(split: str) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    is_test = np.arange(len(bunch.images)) % _TEST_SHARE == _TEST_SHARE - 1
    chosen = is_test if split == "test" else ~is_test
    return bunch.images[chosen], bunch.target[chosen].astype(np.int32)
