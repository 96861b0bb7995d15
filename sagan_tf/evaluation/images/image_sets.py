"""Images in a folder, an archive or an array, as they are."""

from __future__ import annotations

import hashlib
import os
import zipfile
from pathlib import Path
from typing import Iterator

import numpy as np
from absl import logging
from PIL import Image

from sagan_tf.data.channels import to_channels, to_floats
from sagan_tf.data.decoding import KINDS, UnreadableError, decode, describe
from sagan_tf.data.framing import Framing
from sagan_tf.data.listing import image_names, in_words
from sagan_tf.data.trees import open_tree
from sagan_tf.errors import UserError
from sagan_tf.evaluation.images import archives
from sagan_tf.user_cache import local_copy

# Images whose type and size are looked at: the order is mixed.
_LOOKED_AT = 1000


class ImageSet:
    """Images of any sizes, in a fixed mixed order.

    The order depends on the names alone, so that a folder, a zip file of it
    and an array of its images in the order of the names are the same set.

    Args:
        flag: what named it, for errors.
        path: a folder, whose sub-folders are read too; a `.zip` or `.tar` of
            one; or an `.npz` whose `arr_0` is `(images, height, width, 3)`,
            uint8.
        size: height and width that the middle square is cut to; 0 for images
            as they are.
        skip: whether files that cannot be read are left out.

    Raises:
        UserError: if there is no image, or it is another layout.
    """

    name = "folder"
    num_classes = 0
    channels = 3
    background = "white"

    def __init__(
        self, flag: str, path: str, size: int = 0, skip: bool = False
    ) -> None:
        self.flag = f"{flag}={path}"
        self.size = size
        self._source = _open(flag, path)
        kept = np.arange(len(self._source.names))
        if skip:
            kept = np.array([n for n in kept if self._is_readable(n)], int)
        if not len(kept):
            raise UserError(f"{self.flag} should hold a {KINDS} file: none")
        # `RandomState` promises the same numbers in every release of NumPy.
        self._order = kept[np.random.RandomState(0).permutation(len(kept))]
        self.num_examples = len(kept)

    def describe(self) -> str:
        """Returns which images, for the card, wherever they are."""
        digest = self._source.digest()[:12]
        size = f"cut to {self.size}x{self.size}" if self.size else "own sizes"
        return f"folder {digest}, {self.num_examples} images, {size}"

    def look(self) -> list[tuple[str, tuple[int, int]]]:
        """Returns type and size (width, height) of up to 1,000 images."""
        found = [self._source.look(n) for n in self._order[:_LOOKED_AT]]
        if not self.size:
            return found
        return [(kind, (self.size, self.size)) for kind, _ in found]

    def batches(
        self, batch_size: int, count: int, start: int = 0
    ) -> Iterator[tuple[list[np.ndarray], np.ndarray]]:
        """Yields images from `start` to `count`.

        Yields:
            A list of `(height, width, 3)` float32 in [-1, 1], and zeros.

        Raises:
            UserError: if a file cannot be read; it is named.
        """
        for first in range(start, count, batch_size):
            numbers = self._order[first : min(first + batch_size, count)]
            images = [to_floats(self._read(n)) for n in numbers]
            yield images, np.zeros(len(images), np.int32)

    def images(self, numbers: np.ndarray) -> list[np.ndarray]:
        """Returns images by their places in the order, `(height, width, 3)`.

        Raises:
            UserError: if a file cannot be read; it is named.
        """
        return [self._read(n).astype(np.uint8) for n in self._order[numbers]]

    def _read(self, number: int) -> np.ndarray:
        try:
            image = self._source.read(number)
        except UnreadableError as error:
            raise UserError(
                f"{self.flag} should hold images only: "
                f"{self._source.names[number]}: {error}; "
                "--on_unreadable=skip leaves such files out"
            ) from error
        if self.size:
            image = Framing(self.size, on_small="enlarge")(image)
        return np.asarray(image, np.float32)

    def _is_readable(self, number: int) -> bool:
        try:
            self._source.read(number)
        except UnreadableError as error:
            name = self._source.names[number]
            logging.warning("%s: %s is left out: %s", self.flag, name, error)
            return False
        return True


class _Files:
    """Files of images in a folder or an archive, ordered by their names."""

    def __init__(self, flag: str, path: Path) -> None:
        try:
            self._tree = open_tree(str(path))
        except UserError as error:
            raise UserError(
                f"{flag}={path} cannot be read: it is no folder, .zip or .tar"
            ) from error
        names, left_out = image_names(self._tree)
        if names and left_out:
            words = in_words(left_out)
            logging.warning("%s: left out are files of %s", flag, words)
        self.names = sorted(names)

    def digest(self) -> str:
        """Returns a digest of their names and sizes."""
        text = "".join(f"{n}\0{self._tree.size(n)}\0" for n in self.names)
        return hashlib.sha256(os.fsencode(text)).hexdigest()

    def read(self, number: int) -> Image.Image:
        """Returns an image in RGB."""
        return to_channels(decode(self._tree.read(self.names[number])))

    def look(self, number: int) -> tuple[str, tuple[int, int]]:
        """Returns its type and size."""
        try:
            kind, _, size = describe(self._tree.read(self.names[number]))
        except UnreadableError:
            return "unreadable", (0, 0)
        return kind, size


class _Array:
    def __init__(self, flag: str, path: Path) -> None:
        arrays = archives.read(path)
        if {"mu", "sigma"} <= arrays.keys():
            raise UserError(
                f"{flag}={path} holds the mu and sigma of a FID, no images: "
                "give it as --real_statistics"
            )
        if "arr_0" not in arrays:
            raise UserError(
                f"{flag}={path} should hold images as arr_0. Received: "
                f"{', '.join(arrays)}"
            )
        self._images = _checked(f"{flag}={path}", arrays["arr_0"])
        with zipfile.ZipFile(path) as archive:
            self._crc = archive.getinfo("arr_0.npy").CRC
        self.names = range(len(self._images))

    def digest(self) -> str:
        text = f"{self._crc} {self._images.shape}"
        return hashlib.sha256(text.encode()).hexdigest()

    def read(self, number: int) -> Image.Image:
        return Image.fromarray(self._images[number])

    def look(self, number: int) -> tuple[str, tuple[int, int]]:
        height, width = self._images.shape[1:3]
        return "array", (width, height)


def _open(flag: str, path: str) -> _Files | _Array:
    place = Path(local_copy(path))
    ending = place.suffix.lower()
    is_archive = ending in (".zip", ".tar", ".npz") and place.is_file()
    if not place.is_dir() and not is_archive:
        raise UserError(
            f"{flag} should be a folder, a .zip, a .tar or an .npz of images. "
            f"Received: {path}"
        )
    try:
        return (_Array if ending == ".npz" else _Files)(flag, place)
    except UserError:
        raise
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(f"{flag}={path} cannot be read: {error}") from error


def _checked(name: str, images: np.ndarray) -> np.ndarray:
    """Returns images if the layout is that of ADM's evaluator."""
    is_channels_last = images.ndim == 4 and images.shape[-1] == 3
    if is_channels_last and images.dtype == np.uint8:
        return images
    hints = []
    if images.ndim == 4 and images.shape[1] == 3 and not is_channels_last:
        hints.append("x.transpose(0, 2, 3, 1)")
    if images.ndim == 3:
        hints.append("np.repeat(x[..., None], 3, -1)")
    if images.ndim == 4 and images.shape[-1] == 1:
        hints.append("np.repeat(x, 3, -1)")
    if images.dtype.kind == "f":
        hints.append(
            "np.rint(x * 255).astype(np.uint8) of [0, 1], "
            "np.rint((x + 1) * 127.5).astype(np.uint8) of [-1, 1]"
        )
    raise UserError(
        f"arr_0 of {name} should be (images, height, width, 3) uint8. "
        f"Received: {images.shape} {images.dtype}"
        + ("; convert it by " + ", ".join(hints) if hints else "")
    )
