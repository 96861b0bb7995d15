"""The door to files: those of this machine, and of stores by their address.

`at` gives a `pathlib.Path` for the path of a file system, and for an address
such as `gs://bucket/run` a `StoredPath`, which has as much of the same as is
needed here and goes through `tf.io.gfile`.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import os
import pathlib
import shutil
import types
from typing import Any, Iterator

from sagan_tf.errors import UserError, is_local

PathLike = str | os.PathLike[str]


class StoredPath(pathlib.PurePosixPath):
    """A place in a store: names are worked out as those of a disk.

    Stores have no renaming and no locks, and their folders are no more than
    the beginnings of names. What is written to a file is there when the file is
    closed, as a whole.

    Args:
        address: `SCHEME://...`.
    """

    def __str__(self) -> str:
        """Returns the address, of whose slashes `pathlib` keeps one."""
        scheme, *names = self.parts or ("",)
        # `file:///a` has no host before its third.
        host = "/" if scheme == "file:" else ""
        return f"{scheme}//{host}{'/'.join(names)}"

    def relative_to(self, other: StoredPath) -> pathlib.PurePosixPath:
        """Returns the way from a folder above, which is no address."""
        return pathlib.PurePosixPath(*super().relative_to(other).parts)

    def expanduser(self) -> StoredPath:
        """Returns itself: there is no home in a store."""
        return self

    def exists(self) -> bool:
        """Returns whether there is something."""
        with self._explained() as gfile:
            return gfile.exists(str(self))

    def is_dir(self) -> bool:
        """Returns whether there is a folder."""
        with self._explained() as gfile:
            return gfile.isdir(str(self))

    def is_file(self) -> bool:
        """Returns whether there is a file."""
        return self.exists() and not self.is_dir()

    def stat(self) -> types.SimpleNamespace:
        """Returns `st_size` and `st_mtime_ns`."""
        with self._explained() as gfile:
            found = gfile.stat(str(self))
        return types.SimpleNamespace(
            st_size=found.length, st_mtime_ns=found.mtime_nsec
        )

    def iterdir(self) -> Iterator[StoredPath]:
        """Yields what is in a folder, which may lack."""
        with self._explained() as gfile:
            found = gfile.listdir(str(self)) if gfile.isdir(str(self)) else []
        # Some stores end the names of folders in a slash.
        yield from (self / name.rstrip("/") for name in sorted(set(found)))

    def glob(self, pattern: str) -> Iterator[StoredPath]:
        """Yields what fits; `FOLDER/*` looks into folders."""
        first, _, rest = pattern.partition("/")
        for path in self.iterdir():
            if fnmatch.fnmatchcase(path.name, first):
                yield from path.glob(rest) if rest else [path]

    def rglob(self, pattern: str) -> Iterator[StoredPath]:
        """Yields what fits at any depth."""
        for path in self.iterdir():
            if path.is_dir():
                yield from path.rglob(pattern)
            if fnmatch.fnmatchcase(path.name, pattern):
                yield path

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Makes a folder, where a store has such things."""
        if not exist_ok and self.exists():
            raise FileExistsError(
                errno.EEXIST, os.strerror(errno.EEXIST), str(self)
            )
        with self._explained() as gfile:
            gfile.makedirs(str(self))

    @contextlib.contextmanager
    def open(self, mode: str = "r", **options: Any) -> Iterator[Any]:
        """Opens a file, which is closed at the end of the `with`.

        Args:
            mode: `r`, `w` or `a`, and `b` for bytes.
            **options: of Python's `open`, which have no meaning here.
        """
        if "w" in mode:
            self._make_way()
        with self._explained() as gfile:
            with gfile.GFile(str(self), mode) as file:
                yield file

    def _make_way(self) -> None:
        # TensorFlow's store in memory writes at the end of what is there.
        if self.parts[0] == "ram:":
            self.unlink(missing_ok=True)

    def read_bytes(self) -> bytes:
        """Returns the content of a file."""
        with self.open("rb") as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        """Returns the content of a text file."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> None:
        """Writes a file, or replaces it."""
        with self.open("wb") as file:
            file.write(data)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Writes a text file, or replaces it."""
        self.write_bytes(text.encode(encoding))

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes a file."""
        absent = FileNotFoundError if missing_ok else ()
        with contextlib.suppress(absent), self._explained() as gfile:
            gfile.remove(str(self))

    @contextlib.contextmanager
    def _explained(self) -> Iterator[Any]:
        """Gives TensorFlow's files, whose errors become `OSError`s."""
        import tensorflow as tf

        try:
            yield tf.io.gfile
        except tf.errors.NotFoundError as error:
            raise FileNotFoundError(
                errno.ENOENT, os.strerror(errno.ENOENT), str(self)
            ) from error
        except tf.errors.OpError as error:
            lines = str(error.message).strip().splitlines()
            reason = lines[0] if lines else type(error).__name__
            raise OSError(errno.EIO, reason, str(self)) from error


AnyPath = pathlib.Path | StoredPath


def at(path: PathLike) -> AnyPath:
    """Returns a place by its path or its address.

    Raises:
        UserError: if the address is of no known kind.
    """
    if isinstance(path, (pathlib.Path, StoredPath)):
        return path
    if is_local(os.fspath(path)):
        return pathlib.Path(path)
    if not is_known(os.fspath(path)):
        raise UserError(f"a place should be {expected()}. Received: {path!r}")
    return StoredPath(path)


def is_stored(path: PathLike) -> bool:
    """Returns whether a place is in a store."""
    return not is_local(os.fspath(path))


def is_known(path: str) -> bool:
    """Returns whether a path is local, or of a store that TensorFlow knows."""
    return is_local(path) or path.partition("://")[0] in _schemes()


def _schemes() -> list[str]:
    import tensorflow as tf

    return sorted(filter(None, tf.io.gfile.get_registered_schemes()))


def expected() -> str:
    """Returns what `is_known` asks for, in words."""
    known = ", ".join(f"{scheme}://" for scheme in _schemes())
    return f"a path, or an address that TensorFlow knows ({known})"


def remove_tree(directory: AnyPath) -> None:
    """Removes a directory and all in it, as far as that can be done."""
    if isinstance(directory, pathlib.Path):
        shutil.rmtree(directory, ignore_errors=True)
        return
    with contextlib.suppress(OSError), directory._explained() as gfile:
        gfile.rmtree(str(directory))


def copy(source: AnyPath, target: AnyPath, last: str = "") -> None:
    """Copies a file, or a directory and all in it, between any two places.

    Args:
        source: what to copy.
        target: its new place; a file that stands there is replaced.
        last: name of a file that comes after all others, so that a directory
            that has it is whole.

    Raises:
        OSError: if it cannot be read or written.
    """
    stored = next((p for p in (source, target) if is_stored(p)), None)
    if stored is None:
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
        return
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.iterdir(), key=lambda p: (p.name == last, p)):
            copy(path, target / path.name, last)
        return
    if isinstance(target, StoredPath):
        target._make_way()
    with stored._explained() as gfile:
        gfile.copy(str(source), str(target), overwrite=True)
