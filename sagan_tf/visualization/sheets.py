"""Sheets of images: arranged, labelled and written as PNG files."""

from __future__ import annotations

import functools
import importlib.util
import io
from typing import Sequence

import numpy as np
from absl import logging
from PIL import Image, ImageDraw, ImageFont

from sagan_tf import storage
from sagan_tf.data.channels import MODES, from_rgb
from sagan_tf.whole_files import replacing

TITLE_HEIGHT = 24
_BACKGROUND = 255
_INK = 0
_FONT = "mpl-data/fonts/ttf/DejaVuSans.ttf"
_NO_CHARACTER = "\U0010ffff"


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Returns images as bytes.

    Args:
        images: any shape; bytes, which are returned as they are, or
            floats in [-1, 1], which are rounded to the nearest byte and
            clipped.

    Returns:
        An array of the same shape and type uint8, in [0, 255].

    Raises:
        ValueError: the values are integers of another type, or not finite.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind in "biu":
        raise ValueError(
            "`images` should be uint8 or floats in [-1, 1]. "
            f"Received: {images.dtype}"
        )
    images = images.astype(np.float32)
    if not np.isfinite(images).all():
        raise ValueError("`images` should be finite. Received: NaN or infinity")
    return np.clip(np.rint((images + 1.0) * 127.5), 0, 255).astype(np.uint8)


def enlargement(side: int, enlarge_to: int) -> int:
    """Returns the largest whole factor that keeps a side within bounds.

    Args:
        side: pixels of an image's side.
        enlarge_to: the bound; 1 is returned for larger images.
    """
    return max(1, enlarge_to // side)


def image_grid(
    images: np.ndarray,
    columns: int,
    padding: int = 2,
    row_labels: Sequence[str] | None = None,
    enlarge_to: int = 0,
    title: str = "",
) -> np.ndarray:
    """Arranges images in rows on a white sheet, the first at the top left.

    Args:
        images: `(batch, height, width, channels)` with 1, 3 or 4 channels, as
            `to_uint8` takes them. A last row that is not full is left white.
        columns: images in a row; at least 1.
        padding: white pixels around and between images.
        row_labels: a caption for each row, written to the left of it.
        enlarge_to: pixels of a side up to which small images are enlarged,
            see `enlargement`; 0 leaves them as they are.
        title: a line above, `TITLE_HEIGHT` pixels high; empty for none.

    Returns:
        `(sheet height, sheet width, 3)` of type uint8, or 4 with four
        channels: what is transparent stays so.

    Raises:
        ValueError: an argument has a wrong shape, number or range.

    Example:

    >>> sheet = image_grid(samples, columns=10, enlarge_to=96)
    >>> write_png("samples.png", sheet)
    """
    images = _check_images(images, columns, padding)
    factor = enlargement(images.shape[1], enlarge_to)
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    count, height, width, _ = images.shape
    rows = -(-count // columns)
    if row_labels is not None and len(row_labels) != rows:
        raise ValueError(
            f"`row_labels` should have a label for each of the {rows} rows. "
            f"Received: {len(row_labels)}"
        )
    sheet = np.full(
        (
            rows * (height + padding) + padding,
            columns * (width + padding) + padding,
            max(3, images.shape[-1]),
        ),
        _BACKGROUND,
        np.uint8,
    )
    for index, image in enumerate(images):
        row, column = divmod(index, columns)
        top = padding + row * (height + padding)
        left = padding + column * (width + padding)
        sheet[top : top + height, left : left + width] = image
    if row_labels is not None:
        margin = _label_margin(row_labels, sheet.shape[0], height, padding)
        margin = from_rgb(margin, sheet.shape[-1])
        sheet = np.concatenate([margin, sheet], axis=1)
    return _with_title(sheet, title) if title else sheet


def _with_title(sheet: np.ndarray, title: str) -> np.ndarray:
    """Puts a line above a sheet, which grows if the line is wider."""
    font, gap = ImageFont.load_default(size=TITLE_HEIGHT // 2), 4
    height, width, channels = sheet.shape
    wide = max(width, int(np.ceil(font.getlength(title))) + 2 * gap)
    page = Image.new("RGB", (wide, TITLE_HEIGHT), (_BACKGROUND,) * 3)
    place = (gap, TITLE_HEIGHT / 2)
    ImageDraw.Draw(page).text(place, title, (_INK,) * 3, font, anchor="lm")
    beside = from_rgb(
        np.full((height, wide - width, 3), _BACKGROUND, np.uint8), channels
    )
    above = from_rgb(np.asarray(page), channels)
    return np.concatenate([above, np.concatenate([sheet, beside], axis=1)])


def write_png(path: str, image: np.ndarray) -> None:
    """Writes an image; nobody ever sees half of the file.

    Args:
        path: the file to write or to replace; its directory is made.
        image: `(height, width, channels)`, as `to_uint8` takes it.

    Raises:
        OSError: the file cannot be written; what was there before stays.
    """
    storage.at(path).parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as aside:
        aside.write_bytes(png_bytes(image))


def png_bytes(image: np.ndarray) -> bytes:
    """Returns an image as a PNG file.

    Args:
        image: `(height, width, channels)`, as `to_uint8` takes it.
    """
    file = io.BytesIO()
    to_image(to_uint8(image)).save(file, format="PNG")
    return file.getvalue()


def to_image(image: np.ndarray) -> Image.Image:
    """Returns Pillow's image of `(height, width, 1, 3 or 4)` bytes."""
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _check_images(images: np.ndarray, columns: int, padding: int) -> np.ndarray:
    images = to_uint8(images)
    if images.ndim != 4 or images.shape[-1] not in MODES or not len(images):
        raise ValueError(
            "`images` should have the shape (batch, height, width, 1, 3 or 4) "
            f"with at least one image. Received: {images.shape}"
        )
    if columns < 1 or padding < 0:
        raise ValueError(
            "`columns` should be 1 or more and `padding` 0 or more. "
            f"Received: {columns} and {padding}"
        )
    return images


def _caption_font(size: int) -> ImageFont.FreeTypeFont:
    """Returns DejaVu: Latin with accents, Greek, Cyrillic and more."""
    package = importlib.util.find_spec("matplotlib")
    (folder,) = package.submodule_search_locations
    return ImageFont.truetype(f"{folder}/{_FONT}", size)


def say_what_lacks(text: str) -> None:
    """Warns of characters that the font of captions, DejaVu, does not have."""
    font = _caption_font(12)
    # They look as a character does that is none.
    box = bytes(font.getmask(_NO_CHARACTER))
    lacking = {c for c in text if bytes(font.getmask(c)) == box}
    if lacking:
        _say_lacking("".join(sorted(lacking)))


@functools.lru_cache(maxsize=None)
def _say_lacking(characters: str) -> None:
    """Says it once."""
    logging.warning("captions show boxes for %s: no font has them", characters)


def _label_margin(
    labels: Sequence[str], sheet_height: int, row_height: int, padding: int
) -> np.ndarray:
    """Draws captions, each centred on its row, on a white strip."""
    # Ten pixels are the least that can be read, 24 more than enough.
    font = _caption_font(min(24, max(10, row_height // 2)))
    say_what_lacks("".join(labels))
    gap = max(4, padding)
    width = max(int(np.ceil(font.getlength(label))) for label in labels)
    margin = Image.new("L", (width + 2 * gap, sheet_height), _BACKGROUND)
    draw = ImageDraw.Draw(margin)
    for row, label in enumerate(labels):
        middle = padding + row * (row_height + padding) + row_height / 2
        draw.text((gap, middle), label, fill=_INK, font=font, anchor="lm")
    return np.repeat(np.asarray(margin)[..., np.newaxis], 3, axis=-1)
