"""Images of any kind, brought to one, three or four channels."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageColor

from sagan_tf.data.decoding import UnreadableError

# Grey, RGB and RGBA.
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_WHITE_OF_INTEGERS, _WHITE_OF_FLOATS = 65535.0, 1.0


def to_floats(images: np.ndarray) -> np.ndarray:
    """Returns bytes as float32 in [-1, 1]: 0 is -1 and 255 is 1.

    Args:
        images: an array of uint8, or a tensor of float32.
    """
    return images / np.float32(127.5) - 1


def rounded(images: np.ndarray) -> np.ndarray:
    """Returns images in [-1, 1] as they come back from a file of bytes.

    Real images come from such files, and an evaluator that reads files sees
    nothing else. NaN stays, for the network to refuse.
    """
    levels = np.clip(np.rint((images + 1) * 127.5), 0, 255)
    return to_floats(levels.astype(np.float32))


def to_channels(
    image: Image.Image,
    channels: int = 3,
    background: str = "white",
    value_range: tuple[float, ...] = (),
) -> Image.Image:
    """Returns an image with so many channels of 8 bits.

    Grey, palette and CMYK become RGB, and colours grey, as Pillow does it. What
    is transparent is laid on the background, unless there are four channels;
    an image without transparency is opaque.

    Args:
        image: an image of any mode.
        channels: 1 (grey), 3 (RGB) or 4 (RGBA).
        background: a colour as Pillow names it, such as `black` or `#336699`.
        value_range: what becomes black and white in images of more than 8
            bits; empty for 0 and 65,535, and for 0 and 1 in images of floats.

    Raises:
        UnreadableError: if a value is not a number, or Pillow has no way from
            such an image, as from one in CIELAB.
    """
    try:
        if image.mode == "F" or image.mode.startswith("I"):
            image = _to_bytes(image, value_range)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            if channels == 4:
                return image
            below = Image.new("RGBA", image.size, background)
            image = Image.alpha_composite(below, image)
        kind = "L" if image.mode in ("1", "L") else "RGB"
        return image.convert(kind).convert(MODES[channels])
    # A broken palette raises errors of several kinds.
    except (ValueError, OSError, IndexError, SystemError) as error:
        raise UnreadableError(str(error)) from error


def _to_bytes(
    image: Image.Image, value_range: tuple[float, ...]
) -> Image.Image:
    levels = np.asarray(image).astype(np.float64)
    if not np.isfinite(levels).all():
        raise UnreadableError("it holds NaN or infinity")
    white = _WHITE_OF_FLOATS if image.mode == "F" else _WHITE_OF_INTEGERS
    low, high = value_range or (0.0, white)
    shares = np.clip((levels - low) / (high - low), 0.0, 1.0)
    return Image.fromarray(np.rint(shares * 255.0).astype(np.uint8))


def from_rgb(images: np.ndarray, channels: int) -> np.ndarray:
    """Returns arrays as `to_channels` returns images.

    Args:
        images: `(..., 3)` uint8.
        channels: 1, 3 or 4.

    Returns:
        `(..., channels)` uint8.
    """
    if channels == 3:
        return images
    rows = images.reshape(math.prod(images.shape[:-2]), *images.shape[-2:])
    found = np.asarray(Image.fromarray(rows).convert(MODES[channels]))
    return found.reshape(*images.shape[:-1], channels)


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
