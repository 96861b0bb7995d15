"""Images of one or four channels as networks of three channels see them."""

from __future__ import annotations

import numpy as np
from PIL import ImageColor

from sagan_tf.evaluation.images.generated import rounded


def to_rgb(
    images: np.ndarray | list[np.ndarray], background: str = "white"
) -> np.ndarray | list[np.ndarray]:
    """Returns images with three channels: grey repeated, alpha laid on.

    Args:
        images: `(batch, height, width, channels)` floats in [-1, 1], with 1, 3
            or 4 channels; those of 3, and lists of such images, are returned
            as they are.
        background: a colour as Pillow names it, below what is transparent.

    Returns:
        `(batch, height, width, 3)` floats in [-1, 1]; what was laid on is
        rounded to bytes, as in files.
    """
    if isinstance(images, list) or images.shape[-1] == 3:
        return images
    if images.shape[-1] == 1:
        return np.repeat(images, 3, axis=-1)
    color = np.float32(ImageColor.getrgb(background)[:3]) / 127.5 - 1.0
    alpha = (images[..., 3:] + 1.0) / 2.0
    return rounded(alpha * images[..., :3] + (1.0 - alpha) * color)
