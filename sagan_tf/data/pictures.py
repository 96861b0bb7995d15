"""One encoded picture as a square RGB array."""

from __future__ import annotations

import dataclasses
import io
import os

import numpy as np
from PIL import Image, ImageOps

_MODES_OF_16_BITS = ("I", "I;16", "I;16B", "I;16L", "I;16N")
_MODES_WITH_ALPHA = ("RGBA", "LA", "PA", "La", "RGBa")
# Pillow's filters, all of which average when they shrink.
RESIZES = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "box": Image.Resampling.BOX,
}


class UnreadableError(Exception):
    """The file does not hold a whole picture."""


class TooSmallError(Exception):
    """The shorter side of the picture has fewer pixels than were asked for."""


@dataclasses.dataclass(frozen=True)
class Framing:
    """How pictures of any size become squares of one size.

    The largest square in the middle is cut out, and resized by one of Pillow's
    antialiasing filters: the same as resizing the shorter side and cropping
    the centre. A picture of exactly that size keeps its pixels. The release's
    records were cut like this, with `resize="bilinear"` and small pictures
    enlarged.

    Args:
        image_size: height and width of the result in pixels.
        crop: side in pixels of the square to cut out of the middle, such as
            160 for CelebA; 0 for the largest.
        resize: name of the filter: lanczos, bicubic, bilinear or box.
        on_small: `"refuse"` a picture of fewer pixels, or `"enlarge"` it.
    """

    image_size: int
    crop: int = 0
    resize: str = "lanczos"
    on_small: str = "refuse"

    def __call__(self, image: Image.Image) -> np.ndarray:
        """Return `(image_size, image_size, 3)` uint8.

        Args:
            image: an RGB picture.

        Raises:
            TooSmallError: if it has too few pixels and is not to be enlarged.
        """
        size, shorter = self.image_size, min(image.size)
        if shorter < self.crop:
            raise TooSmallError(
                f"{image.width}x{image.height} pixels, where `crop` is "
                f"{self.crop}"
            )
        side = self.crop or shorter
        if side < size and self.on_small == "refuse":
            raise TooSmallError(
                f"{image.width}x{image.height} pixels, where `image_size` is "
                f"{size}"
                + (f" and `crop` {self.crop}" if self.crop else "")
                + "; `on_small` can enlarge"
            )
        if image.size == (size, size) and side == size:
            return np.asarray(image)
        # Half a pixel is rounded up.
        left, top = (
            (image.width - side + 1) // 2,
            (image.height - side + 1) // 2,
        )
        box = left, top, left + side, top + side
        if side == size:
            return np.asarray(image.crop(box))
        return np.asarray(
            image.resize((size, size), RESIZES[self.resize], box=box)
        )


def read_picture(path: str | os.PathLike[str], image_size: int) -> np.ndarray:
    """Return the middle of the picture in a PNG or JPEG file.

    `Framing` says how it is cut, `decode` how colours are read.

    Args:
        path: the file.
        image_size: height and width of the result in pixels.

    Returns:
        `(image_size, image_size, 3)` uint8.

    Raises:
        UnreadableError: if the file is missing, broken or no picture.
        TooSmallError: if the picture is smaller.
    """
    return Framing(image_size)(decode(path))


def decode(source: str | os.PathLike[str] | bytes) -> Image.Image:
    """Return a PNG or JPEG picture in RGB.

    The camera's orientation (EXIF) is applied; grey, palette and CMYK become
    RGB; 16 bits a channel become 8; what is transparent is laid on white.

    Args:
        source: a file, or its bytes.

    Raises:
        UnreadableError: if it is missing, broken, cut or no picture.
    """
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
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
