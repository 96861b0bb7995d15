"""Files below a folder, or the same in a .zip or .tar, by their names."""

from __future__ import annotations

import functools
import os
import tarfile
import zipfile
from typing import Iterator

from sagan_tf.data.decoding import UnreadableError, read_bytes, unreadable
from sagan_tf.data.importer import existing
from sagan_tf.errors import UserError, one_line

# What systems, disks and programs put beside the user's files; also all names
# that start with a dot.
_SYSTEM = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "@eadir",
        "__macosx",
        "__pycache__",
        "desktop.ini",
        "ehthumbs.db",
        "icon\r",
        "lost+found",
        "system volume information",
        "thumbs.db",
    }
)
# No image is larger, unless it is made to fill a machine's memory.
_LARGEST_FILE = 2**30


def is_system(name: str) -> bool:
    """Returns whether a file or folder is none of the user's."""
    return name.startswith(".") or name.lower() in _SYSTEM


class Tree:
    """Named files that can be read in any order, by several threads.

    Attributes:
        root: the folder or archive.
        names: paths below the root, with slashes; those of systems are left
            out. Their order has no meaning.
        folders: names of the folders directly below the root.
    """

    def __init__(self, root: str, names: list[str], folders: set[str]) -> None:
        self.root = root
        self.names = names
        self.folders = folders

    def where(self, name: str) -> str:
        """Returns where a file is, for an error."""
        return os.path.join(self.root, name)

    def read(self, name: str) -> bytes:
        """Returns the content of a file.

        Raises:
            UnreadableError: if it cannot be read.
        """
        raise NotImplementedError

    def size(self, name: str) -> int:
        """Returns the number of its bytes, -1 if there is no such file."""
        raise NotImplementedError

    def files(self, names: list[str]) -> list[str]:
        """Returns the files of the disk that hold some files of the tree."""
        return [self.root]


class Directory(Tree):
    """Files below a folder; links are followed."""

    def __init__(self, root: str) -> None:
        try:
            names = list(_walk(root, "", frozenset()))
            folders = {e.name for e in os.scandir(root) if e.is_dir()}
        except OSError as error:
            raise UserError(f"cannot list {root}: {error}") from error
        super().__init__(root, names, {f for f in folders if not is_system(f)})

    def read(self, name: str) -> bytes:
        """Returns the content of a file."""
        try:
            with open(self.where(name), "rb") as file:
                return file.read()
        except OSError as error:
            raise unreadable(error) from error

    def size(self, name: str) -> int:
        """Returns the number of its bytes, -1 if there is no such file."""
        try:
            return os.stat(self.where(name)).st_size
        except OSError:
            # A dead link is skipped or refused when its turn comes.
            return -1

    def files(self, names: list[str]) -> list[str]:
        """Returns the files themselves."""
        return [self.where(name) for name in names]


def _walk(root: str, below: str, above: frozenset) -> Iterator[str]:
    """Yields the names of all files, but not a folder inside itself."""
    folder = os.path.join(root, below)
    found = os.stat(folder)
    place = found.st_dev, found.st_ino
    if place in above:
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_system(entry.name):
                continue
            if entry.is_dir():
                deeper = f"{below}{entry.name}/"
                yield from _walk(root, deeper, above | {place})
            else:
                yield below + entry.name


class Archive(Tree):
    """The files of a .zip or .tar, which is not unpacked.

    A single folder that holds all of them is no part of their names.
    """

    def __init__(self, root: str, sizes: dict[str, int]) -> None:
        kept = {
            name: size
            for name, size in sizes.items()
            if not any(map(is_system, name.split("/")))
        }
        prefix = ""
        while len(tops := _tops(kept, prefix)) == 1 and tops[0].endswith("/"):
            prefix += tops[0]
        self._prefix = prefix
        self._sizes = {
            name.removeprefix(prefix): size for name, size in kept.items()
        }
        folders = {n.split("/")[0] for n in self._sizes if "/" in n}
        super().__init__(root, list(self._sizes), folders)

    def where(self, name: str) -> str:
        """Returns the archive and the name in it."""
        return f"{self.root}: {self._prefix}{name}"

    def size(self, name: str) -> int:
        """Returns the number of its bytes, -1 if there is no such file."""
        return self._sizes.get(name, -1)

    def read(self, name: str) -> bytes:
        """Returns the content of a file."""
        if name not in self._sizes:
            raise UnreadableError("No such file")
        if self._sizes[name] > _LARGEST_FILE:
            raise UnreadableError(f"it has {self._sizes[name]} bytes")
        return self._extract(self._prefix + name)

    def _extract(self, name: str) -> bytes:
        raise NotImplementedError


def _tops(names: dict[str, int], prefix: str) -> list[str]:
    """Returns what lies directly below a folder, two entries at most."""
    found = set()
    for name in names:
        first, slash, _ = name.removeprefix(prefix).partition("/")
        found.add(first + slash)
        if len(found) > 1:
            break
    return sorted(found)


class Zip(Archive):
    """The files of a .zip."""

    def __init__(self, root: str) -> None:
        self._file = zipfile.ZipFile(root)
        super().__init__(
            root,
            {
                each.filename: each.file_size
                for each in self._file.infolist()
                if not each.is_dir()
            },
        )

    def _extract(self, name: str) -> bytes:
        try:
            return self._file.read(name)
        except MemoryError:
            raise
        # Broken and encrypted files raise errors of several kinds.
        except Exception as error:
            raise UnreadableError(one_line(error)) from error


class Tar(Archive):
    """The files of a .tar that is not compressed."""

    def __init__(self, root: str) -> None:
        with tarfile.open(root, "r:") as file:
            members = {m.name.removeprefix("./"): m for m in file if m.isreg()}
        self._offsets = {n: m.offset_data for n, m in members.items()}
        super().__init__(root, {n: m.size for n, m in members.items()})

    def _extract(self, name: str) -> bytes:
        size = self._sizes[name.removeprefix(self._prefix)]
        return read_bytes(self.root, self._offsets[name], size)


def open_tree(path: str) -> Tree:
    """Returns the files below a folder, or in a .zip or .tar.

    Raises:
        UserError: if there is no such thing, or it cannot be listed.
    """
    if os.path.isfile(path):
        stamp = os.stat(path)
        return _open_archive(path, (stamp.st_size, stamp.st_mtime_ns))
    return Directory(existing(path, "folder"))


@functools.lru_cache(maxsize=8)
def _open_archive(path: str, stamp: tuple[int, int]) -> Tree:
    del stamp
    try:
        if zipfile.is_zipfile(path):
            return Zip(path)
        return Tar(path)
    except (tarfile.TarError, zipfile.BadZipFile, OSError) as error:
        raise UserError(
            "`path` should name a folder, a .zip or a .tar that is not "
            f"compressed: there is a file at {path} which is none"
        ) from error
