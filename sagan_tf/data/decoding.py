"""Files of images, decoded."""

from __future__ import annotations

import errno
import io
import os
from typing import Any, Callable

from PIL import Image, ImageOps

_FILE_TYPES = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF")
# The same in words.
KINDS = "PNG, JPEG, WebP, BMP, TIFF or GIF"
ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .webp .bmp .dib .tif .tiff .gif".split()
)
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*")
# The parts of a PNG file that say something of its pixels.
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")


class UnreadableError(Exception):
    """The file does not hold a whole image."""


def unreadable(error: OSError) -> OSError | UnreadableError:
    """Returns what to raise: no image is broken where a machine is at an end.

    Too many open files or too little memory end the program; else such images
    would be skipped, and be remembered as broken.
    """
    of_machine = error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
    return error if of_machine else UnreadableError(error.strerror)


def read_at(file: int, offset: int, length: int) -> bytes:
    """Returns some bytes of an open file, fewer only where it ends.

    A disk behind a network may give fewer than it was asked for, and more when
    it is asked again.

    Raises:
        OSError: if it cannot be read.
    """
    parts, left = [], length
    while left > 0:
        part = os.pread(file, left, offset + length - left)
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def read_bytes(path: str | os.PathLike[str], offset: int, length: int) -> bytes:
    """Returns some bytes of a file.

    Raises:
        UnreadableError: if it cannot be read, or ends before.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            data = read_at(file.fileno(), offset, length)
    except OSError as error:
        raise unreadable(error) from error
    if len(data) < length:
        raise UnreadableError(f"{len(data)} bytes of {length} are there")
    return data


def looks_like_image(start: bytes) -> bool:
    """Returns whether a file of no ending begins as images do."""
    return start.startswith(_STARTS) or start[8:12] == b"WEBP"


def decode(data: bytes) -> Image.Image:
    """Returns the image that a file holds, in its mode; of several the first.

    What it is, its content says. The camera's orientation (EXIF) is applied;
    other metadata are not looked at.

    Args:
        data: the bytes of the file.

    Raises:
        UnreadableError: if they are broken, cut or no image.
    """
    return _look_at(data, _upright)


def describe(data: bytes) -> tuple[str, str, tuple[int, int]]:
    """Returns kind, Pillow's mode, and width and height; no pixel is decoded.

    Raises:
        UnreadableError: if the start of the file is broken or no image.
    """
    return _look_at(data, lambda image: (image.format, image.mode, image.size))


def _look_at(data: bytes, look: Callable[[Image.Image], Any]) -> Any:
    """Returns what a function makes of the image, without broken metadata."""
    try:
        with Image.open(io.BytesIO(data), formats=_FILE_TYPES) as image:
            return look(image)
    except MemoryError:
        raise
    # Broken files make decoders raise errors of a dozen kinds.
    except Exception as error:
        if data.startswith(_PNG_START):
            plain = _pixels_alone(data)
            if len(plain) < len(data):
                return _look_at(plain, look)
        if isinstance(error, Image.UnidentifiedImageError):
            raise UnreadableError(f"not a {KINDS} file") from error
        reason = str(error).splitlines() or [type(error).__name__]
        raise UnreadableError(reason[0]) from error


def _pixels_alone(png: bytes) -> bytes:
    """Returns a PNG file without its metadata, which may be broken."""
    kept, place = [png[:8]], 8
    while place < len(png):
        end = place + 12 + int.from_bytes(png[place : place + 4], "big")
        if png[place + 4 : place + 8] in _PNG_PIXELS:
            kept.append(png[place:end])
        place = end
    return b"".join(kept)


def _upright(image: Image.Image) -> Image.Image:
    image.load()
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except MemoryError:
        raise
    # Pillow raises errors of several kinds where EXIF is odd.
    except Exception:
        pass
    return image
