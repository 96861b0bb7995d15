"""One picture file as a square RGB array."""

from __future__ import annotations

import os

import numpy as np
from PIL import Image, ImageOps

_MODES_OF_16_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_MODES_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


class UnreadableError(Exception):
    """The file does not hold a whole picture."""


class TooSmallError(Exception):
    """The shorter side of the picture has fewer pixels than were asked for."""


def read_picture(path: str | os.PathLike[str], image_size: int) -> np.ndarray:
    """Return the middle of the picture in a PNG or JPEG file.

    The largest square in the middle is resized by Pillow's antialiasing
    Lanczos filter, which is the same as resizing the shorter side and cropping
    the centre. A picture of exactly that size keeps its pixels. The camera's
    orientation (EXIF) is applied; grey, palette and CMYK become RGB; 16 bits a
    channel become 8; what is transparent is laid on white.

    Args:
        path: the file.
        image_size: height and width of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` uint8.

    Raises:
        UnreadableError: if the file is missing, broken or no picture.
        TooSmallError: if the picture is smaller.
    """
    image = _decode(path)
    if min(image.size) < image_size:
        raise TooSmallError(
            f"{image.width}x{image.height} pixels, where `image_size` is "
            f"{image_size}"
        )
    square = ImageOps.fit(
        image, (image_size, image_size), Image.Resampling.LANCZOS
    )
    return np.asarray(square)


def _decode(path: str | os.PathLike[str]) -> Image.Image:
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except Image.UnidentifiedImageError as error:
        raise UnreadableError("not a PNG or JPEG file") from error
    # Broken files make decoders raise errors of a dozen kinds.
    except Exception as error:
        reason = str(error).splitlines() or [type(error).__name__]
        raise UnreadableError(reason[0]) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in _MODES_OF_16_BITS:
        # Pillow's own conversion clips at 255.
        levels = np.asarray(image).astype(np.int64)
        image = Image.fromarray(((levels + 128) // 257).astype(np.uint8))
    if image.mode in _MODES_WITH_ALPHA or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")
