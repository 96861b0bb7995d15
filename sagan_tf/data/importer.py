"""What every format has in common: images by number, with labels and a name.

An importer decodes images wherever they are. It imports no TensorFlow unless
its files need it, so that a program that only prepares images starts at once.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple, Sequence

import numpy as np
from PIL import Image

from sagan_tf.errors import UserError


class Sample(NamedTuple):
    """An image of any size and mode, and its label; 0 without classes."""

    image: Image.Image
    label: int


class Importer:
    """Numbered images that can be read in any order, by several threads.

    Args:
        name: name of the format, such as `"folder"`.
        root: the file or directory that holds them.
        count: number of images.
        class_names: a name for each class; empty if there are no labels.
        labels: `(count,)` int32, if they are known without reading.
        shard_sizes: numbers of images that lie together in a file each.
        slow_because: why reading in any order is slow; empty if it is not.
    """

    # What a class is where the images are, for errors.
    class_word = "class"
    # Number of images that are taken unless another is asked for; all.
    usual_count: int | None = None
    # Bytes that have to be decoded, where that may take minutes.
    num_bytes: int = 0

    def __init__(
        self,
        name: str,
        root: str | os.PathLike[str],
        count: int,
        class_names: Sequence[str],
        labels: np.ndarray | None = None,
        shard_sizes: Sequence[int] = (),
        slow_because: str = "",
    ) -> None:
        self.name = name
        self.root = str(root)
        self.count = count
        self.class_names = tuple(class_names)
        self.labels = labels
        self.shard_sizes = tuple(shard_sizes)
        self.slow_because = slow_because

    def identity(self) -> str:
        """Returns words that tell these images from others, anywhere."""
        raise NotImplementedError

    def stored_in(self) -> Sequence[str]:
        """Returns the files that hold the images."""
        return [self.root]

    def stamp(self) -> str:
        """Returns a digest that changes when a file is written anew."""
        digest = hashlib.sha256(self.identity().encode())
        for file in self.stored_in():
            try:
                found = os.stat(file)
                digest.update(b"%d %d " % (found.st_size, found.st_mtime_ns))
            except OSError:
                digest.update(b"missing ")
        return digest.hexdigest()

    def shape(self, index: int) -> tuple[int, int]:
        """Returns width and height of an image.

        Raises:
            UnreadableError: if it is broken.
        """
        return self.read(index).image.size

    def origin(self, index: int) -> str:
        """Returns a short name of an image, the same on every machine."""
        raise NotImplementedError

    def where(self, index: int) -> str:
        """Returns where an image is, for an error."""
        return os.path.join(self.root, self.origin(index))

    def read(self, index: int) -> Sample:
        """Returns an image and its label.

        Raises:
            UnreadableError: if it is broken.
            UserError: if its label is no class.
        """
        raise NotImplementedError

    def check_classes(self, num_classes: int | None) -> None:
        """Refuses data that do not have the classes of a conditional run.

        Raises:
            UserError: if there is one class, or there are none or others than
                `num_classes` (`None` takes what there is, 0 is unconditional).
        """
        found, word = len(self.class_names), self.class_word
        if num_classes == 0:
            return
        if num_classes and not found:
            raise UserError(
                f"{self.root} has no {word}{'es' if word[-1] == 's' else 's'}, "
                "so `num_classes` should be 0 (unconditional). Received: "
                f"{num_classes}"
            )
        if found == 1:
            raise UserError(
                f"{self.root} has one {word}, {self.class_names[0]}, where a "
                "conditional run needs two or more: set `num_classes` to 0 "
                "(unconditional)"
            )
        if num_classes and num_classes != found:
            raise UserError(
                f"{self.root} has {found} classes: `num_classes` should be "
                f"{found} or 0. Received: {num_classes}"
            )

    def checked_label(self, index: int, label: int, hint: str = "") -> int:
        """Returns a label if it is one of the classes.

        Raises:
            UserError: if not.
        """
        if self.class_names and not 0 <= label < len(self.class_names):
            raise UserError(
                f"{self.where(index)} has the label {label}: expected 0 to "
                f"{len(self.class_names) - 1}{hint}"
            )
        return int(label)


class DrawnImages(Importer):
    """Images that the program makes at any size: they are in no files."""

    # The least height and width, in pixels.
    smallest_size = 1

    def identity(self) -> str:
        """Returns the name."""
        return self.name

    def draw(
        self, indices: np.ndarray, image_size: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns images `(batch, image_size, image_size, 3)` and labels."""
        raise NotImplementedError


def spread(count: int, most: int) -> np.ndarray:
    """Returns some of `range(count)`, so many at most, from all over.

    None comes twice, and they ascend.
    """
    return np.linspace(0, count - 1, min(count, most)).astype(int)


def checked_count(name: str, available: int, wanted: int | None) -> int:
    """Returns how many images of a data set to take: `wanted`, or all.

    Raises:
        UserError: if fewer are available, or if it is no positive number.
    """
    count = available if wanted is None else wanted
    if not 1 <= count <= available:
        raise UserError(
            f"data set `{name}` has {available} images: `num_examples` should "
            f"be in [1, {available}]. Received: {wanted}"
        )
    return count


def existing(path: str, kind: str) -> str:
    """Returns the path of what is there.

    Raises:
        UserError: if there is no such thing; `kind` is `"file"` or `"folder"`.
    """
    is_file, is_folder = os.path.isfile(path), os.path.isdir(path)
    if not (is_file if kind == "file" else is_folder):
        other = "a folder" if is_folder else "a file" if is_file else "nothing"
        raise UserError(
            f"`path` should name a {kind}: there is {other} at {path}"
        )
    return path
