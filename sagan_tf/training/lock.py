"""A workdir is trained in by one process at a time."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import secrets
import socket
import threading
import time
from typing import Any, Iterator

from absl import logging

from sagan_tf import storage, whole_files
from sagan_tf.errors import UserError

NAME = "training.lock"
# A process that lives touches its lock so often; another machine, which cannot
# look for the process, takes it for dead after this long.
_HEARTBEAT_SECONDS = 10.0
_STALE_SECONDS = 120.0


@contextlib.contextmanager
def hold(directory: str | os.PathLike[str]) -> Iterator[None]:
    """Keeps other trainings out of a directory, on any machine that shares it.

    The lock is a file that names its holder. `flock` would not do: network
    and object stores that are mounted as disks do not pass it on. In a store by
    its address nothing is made in one step: of two that come within the same
    moment the later one stays.

    Args:
        directory: the workdir; it is made.

    Raises:
        UserError: if another process trains in it; it is named.
    """
    directory = storage.at(directory)
    is_new = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    path, content = directory / NAME, _describe_this_process()
    _take(path, content)
    stop = threading.Event()
    heart = threading.Thread(
        target=_beat, args=(path, content, stop), daemon=True
    )
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()
        if _read(path).get("token") == content["token"]:
            path.unlink(missing_ok=True)
        if is_new and isinstance(directory, pathlib.Path):
            # A run that was refused leaves nothing.
            with contextlib.suppress(OSError):
                directory.rmdir()


def holder(directory: str | os.PathLike[str]) -> str:
    """Returns who trains in a directory, in words; empty if nobody does."""
    path = storage.at(directory) / NAME
    content = _read(path)
    if not path.exists() or _is_dead(path, content):
        return ""
    return (
        f"process {content.get('pid', '?')} on {content.get('host', '?')}, "
        f"since {content.get('since', '?')}"
    )


def _take(path: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes the lock file, unless a living process has."""
    for _ in range(2):
        try:
            _make(path, content)
            return
        except FileExistsError:
            who = holder(path.parent)
            if who:
                raise UserError(
                    f"--workdir {path.parent} is being trained in by {who}: "
                    f"wait for its end, or choose another directory"
                ) from None
            logging.warning("%s is of a process that has died", path)
            _remove_dead(path)
    raise UserError(
        f"--workdir {path.parent} is being taken by others just now"
    )


def _make(path: storage.AnyPath, content: dict[str, Any]) -> None:
    """Makes the lock file.

    Raises:
        FileExistsError: if it is there.
    """
    if isinstance(path, storage.StoredPath):
        if path.exists():
            raise FileExistsError(str(path))
        _write(path, content)
        if _read(path).get("token") != content["token"]:
            raise FileExistsError(str(path))
        return
    # Made in one step, also by NFS: of two, one fails.
    with path.open("x") as file:
        try:
            file.write(json.dumps(content))
            file.flush()
        except OSError:
            # Without a name in it, it would keep everybody out.
            path.unlink(missing_ok=True)
            raise


def _write(path: storage.StoredPath, content: dict[str, Any]) -> None:
    """Writes it into a store, with the time, which no store can be told."""
    path.write_text(json.dumps({**content, "beat": time.time()}))


def _remove_dead(path: storage.AnyPath) -> None:
    """Removes a dead process's lock, and no other that came in its place."""
    if isinstance(path, storage.StoredPath):
        path.unlink(missing_ok=True)
        return
    with whole_files.beside(path) as aside, contextlib.suppress(OSError):
        path.rename(aside)
        if not _is_dead(aside, _read(aside)):
            # Another process was faster. It gets its lock back.
            os.link(aside, path)


def _describe_this_process() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
        "machine": _machine(),
        "started": _start_time(os.getpid()),
        "token": secrets.token_hex(8),
    }


def _machine() -> str:
    """Returns what processes share that can see each other by number."""
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text()
        return f"{boot.strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        # Not Linux: a dead process is known by its heart alone.
        return ""


def _start_time(pid: int) -> str:
    """Returns when a process began, in ticks; empty if there is none."""
    try:
        # The name in brackets may hold spaces.
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return text.rpartition(")")[2].split()[19]


def _is_dead(path: storage.AnyPath, content: dict[str, Any]) -> bool:
    if content.get("machine") and content["machine"] == _machine():
        return _start_time(content["pid"]) != content["started"]
    if storage.is_stored(path):
        # By two machines' clocks, which differ by less.
        return time.time() - content.get("beat", 0.0) > _STALE_SECONDS
    try:
        return _age(path) > _STALE_SECONDS
    except FileNotFoundError:
        return True


def _age(path: pathlib.Path) -> float:
    """Returns the seconds since a file was touched, by its disk's own clock."""
    with whole_files.beside(path) as probe:
        probe.touch()
        return probe.stat().st_mtime - path.stat().st_mtime


def _read(path: storage.AnyPath) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def _beat(
    path: storage.AnyPath, content: dict[str, Any], stop: threading.Event
) -> None:
    while not stop.wait(_HEARTBEAT_SECONDS):
        # A store may be out of reach for a while.
        unread = content["token"] if storage.is_stored(path) else None
        # One that slept too long may have lost its lock.
        if _read(path).get("token", unread) != content["token"]:
            logging.error(
                "%s was taken by another process: two train in one directory",
                path,
            )
            return
        with contextlib.suppress(OSError):
            if isinstance(path, storage.StoredPath):
                _write(path, content)
            else:
                os.utime(path)
