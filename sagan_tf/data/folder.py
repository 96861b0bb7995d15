"""The user's own pictures: one folder a class, or one without classes."""

from __future__ import annotations

import hashlib
import os

from sagan_tf.data import pictures
from sagan_tf.data.listing import list_folder
from sagan_tf.data.readers import Example, Reader


class FolderReader(Reader):
    """A folder of PNG and JPEG files.

    Sub-folders are classes, numbered in the order of their names; a folder of
    nothing but files has none. Names that start with a dot are left out. The
    pictures are numbered in a fixed mixed order, so the first few are a fair
    sample.

    Args:
        path: the folder.
        num_classes: not looked at; `readers.check_classes` compares.

    Raises:
        UserError: if there is no such folder, or no picture where one should
            be.
    """

    class_word = "class folder"

    def __init__(self, *, path: str, num_classes: int | None = None) -> None:
        del num_classes
        listing = list_folder(path)
        self._paths = listing.paths
        super().__init__(
            name="folder",
            root=os.path.expanduser(path),
            class_names=listing.class_names,
            labels=listing.labels,
        )

    def identity(self) -> str:
        """Return a digest of the names and sizes of the files."""
        digest = hashlib.sha256()
        for file in sorted(self._paths):
            name = os.path.relpath(file, self.root)
            digest.update(os.fsencode(f"{name}\0{os.path.getsize(file)}\0"))
        return f"folder {digest.hexdigest()[:12]}"

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._paths)

    def source(self, index: int) -> str:
        """Return the file's name below the folder."""
        return os.path.relpath(self._paths[index], self.root)

    def read(self, index: int) -> Example:
        """Return a picture."""
        image = pictures.decode(self._paths[index])
        return Example(image, int(self.labels[index]))
