"""Where the program keeps what it can make again."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from absl import logging

from sagan_tf import storage
from sagan_tf.errors import UserError, require_local
from sagan_tf.whole_files import remove_abandoned, replacing

CACHE_VARIABLE = "SAGAN_TF_CACHE"


@functools.lru_cache(maxsize=None)
def _tidied(directory: str) -> str:
    """Removes what killed programs left there, once a process."""
    remove_abandoned(directory)
    return directory


def default_cache_dir() -> str:
    """Returns a directory of this user that can be written to.

    It is `$SAGAN_TF_CACHE` if that is set, else `sagan_tf` in the user's cache
    directory, or in that for temporary files if there is none.
    """
    if os.environ.get(CACHE_VARIABLE):
        require_local(os.environ[CACHE_VARIABLE], f"${CACHE_VARIABLE}")
        return _tidied(os.environ[CACHE_VARIABLE])
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(home) / "sagan_tf"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return _tidied(str(directory))
    except OSError:
        pass
    aside = os.path.join(tempfile.gettempdir(), "sagan_tf")
    logging.warning("cannot write to %s: keeping to %s", directory, aside)
    return aside


def local_copy(path: storage.PathLike) -> str:
    """Returns where a file or a directory lies here, its `~` replaced.

    What is in a store is copied into the cache directory: readers that map a
    file or jump in it, and those of other packages, want a disk. A file whose
    size and time are as they were is not copied again.

    Raises:
        UserError: if the disk has no room for it.
        OSError: if it cannot be read.
    """
    source = storage.at(path)
    if isinstance(source, Path) or not source.exists():
        return os.path.expanduser(path)
    name = hashlib.sha256(str(source).encode()).hexdigest()[:16]
    target = Path(default_cache_dir(), "stores", name, source.name)
    files = [source]
    if source.is_dir():
        files = [each for each in source.rglob("*") if each.is_file()]
    kept = {target / each.relative_to(source): each for each in files}
    new = {place for place, each in kept.items() if not _is_same(place, each)}
    _copy({place: kept[place] for place in new}, target)
    for other in set(target.rglob("*")) - set(kept):
        if other.is_file() and not other.name.endswith(".tmp"):
            other.unlink(missing_ok=True)
    return str(target)


def _is_same(place: Path, source: storage.StoredPath) -> bool:
    there = source.stat()
    try:
        here = place.stat()
    except OSError:
        return False
    return (here.st_size, here.st_mtime_ns) == (
        there.st_size,
        there.st_mtime_ns,
    )


def _copy(files: dict[Path, storage.StoredPath], target: Path) -> None:
    """Copies files, if there is room for all of them."""
    if not files:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    needed = sum(source.stat().st_size for source in files.values())
    free = shutil.disk_usage(target.parent).free
    if needed > free:
        raise UserError(
            f"{target.parent} should have room for {needed / 2**20:,.0f} MiB "
            f"of a store. Received: {free / 2**20:,.0f} MiB; "
            f"${CACHE_VARIABLE} names another directory"
        )
    logging.info("copying %.0f MiB to %s", needed / 2**20, target)
    for place, source in files.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as aside:
            storage.copy(source, aside)
            time = source.stat().st_mtime_ns
            os.utime(aside, ns=(time, time))
