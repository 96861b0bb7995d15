"""Files of images, decoded to RGB."""

from __future__ import annotations

import io
import os

import numpy as np
from PIL import Image, ImageOps

_FILE_TYPES = ("PNG", "JPEG")
_MODES_OF_16_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_MODES_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")


class UnreadableError(Exception):
    """The file does not hold a whole image."""


def read_bytes(path: str | os.PathLike[str], offset: int, length: int) -> bytes:
    """Returns some bytes of a file.

    Raises:
        UnreadableError: if it cannot be read, or ends before.
    """
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            data = file.read(length)
    except OSError as error:
        raise UnreadableError(str(error)) from error
    if len(data) < length:
        raise UnreadableError(f"{len(data)} bytes of {length} are there")
    return data


def decode(source: str | os.PathLike[str] | bytes) -> Image.Image:
    """Returns a PNG or JPEG image in RGB.

    The camera's orientation (EXIF) is applied; grey, palette and CMYK become
    RGB; 16 bits a channel become 8; what is transparent is laid on white.

    Args:
        source: a file, or its bytes.

    Raises:
        UnreadableError: if it is missing, broken, cut or no image.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(file, formats=_FILE_TYPES) as image:
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
