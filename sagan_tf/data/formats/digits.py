"""The handwritten digits that scikit-learn carries: real data, offline.

1797 digits by 43 hands, 8x8 pixels of 17 levels, bright ink on black: the test
part of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak, UCI
Machine Learning Repository, 1998).
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from sagan_tf.data.importer import DrawnImages
from sagan_tf.errors import UserError

CLASS_NAMES = tuple("0123456789")
_SOURCE_WHITE = 16
# One digit of so many is for testing.
_TEST_SHARE = 6


class Digits(DrawnImages):
    """The handwritten digits, enlarged and in three equal channels.

    Args:
        split: `"train"` for 1498 digits, `"test"` for the 299 others.

    Raises:
        UserError: if there is no such split.
    """

    # 8x8 pixels and a border of one.
    smallest_size = 10

    def __init__(self, split: str = "train") -> None:
        if split not in ("train", "test"):
            raise UserError(
                "`split` of digits should be train or test. Received: "
                f"{split!r}"
            )
        self._digits, self._targets = _load(split)
        count = len(self._digits)
        super().__init__("digits", "data set `digits`", count, CLASS_NAMES)

    def draw(
        self, indices: np.ndarray, image_size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns the images of the given numbers, and their labels."""
        images = enlarge(self._digits[indices], image_size)
        return images, self._targets[indices]


def enlarge(digits: np.ndarray, image_size: int) -> np.ndarray:
    """Returns digits enlarged by Pillow's bicubic filter.

    The digits touch the border of their 8x8 pixels: they get one pixel of
    black around them first, so that strokes end inside the image.

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
