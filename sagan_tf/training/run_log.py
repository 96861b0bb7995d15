"""`runs.jsonl`: a line at every start and end of a run, for its whole story."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import Any, Callable, Iterator

import tensorflow as tf
from absl import logging

from sagan_tf import storage
from sagan_tf.errors import DivergedError, one_line
from sagan_tf.training.sinks import append

_PACKAGES = ("sagan_tf", "tensorflow", "tf-keras", "numpy")


@contextlib.contextmanager
def record(
    path: str | os.PathLike[str], current_step: Callable[[], int], **facts: Any
) -> Iterator[dict[str, Any]]:
    """Writes a line when it is entered and a line when it is left.

    Args:
        path: the file to append to.
        current_step: returns the step that the run stands at.
        **facts: what else the first line says, such as `dtype`.

    Yields:
        What else the last line will say; `how` tells how it ended.
    """
    started = time.monotonic()
    start = {"event": "start", "step": current_step(), **_surroundings()}
    _append(path, {**start, **facts})
    ending: dict[str, Any] = {"how": "finished"}
    try:
        yield ending
    except BaseException as error:
        ending["how"] = _describe(error)
        raise
    finally:
        seconds = round(time.monotonic() - started, 1)
        end = {"event": "end", "step": current_step(), "seconds": seconds}
        try:
            _append(path, {**end, **ending})
        except OSError as error:
            # A full disk is no reason to end in an error what has ended well.
            logging.warning("%s lacks the end of this run: %s", path, error)


def _describe(error: BaseException) -> str:
    if isinstance(error, DivergedError):
        return f"diverged: {one_line(error)}"
    if isinstance(error, KeyboardInterrupt):
        return f"ended by {signal.Signals.SIGINT.name}"
    return f"error: {one_line(error)}"


def _surroundings() -> dict[str, Any]:
    """Returns what a line says of the machine, the code and the command."""
    devices = tf.config.list_logical_devices()
    return {
        "command": shlex.join(sys.argv),
        "commit": _commit(),
        "versions": {"python": platform.python_version(), **_versions()},
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "devices": [device.name for device in devices],
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        # A checkout need not be installed, and one stack lacks tf-keras.
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _commit() -> str | None:
    """Returns the commit of the checkout, with `+` where it was changed."""
    here = pathlib.Path(__file__)

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words],
            cwd=here.parent,
            capture_output=True,
            check=True,
            text=True,
            timeout=10,
        ).stdout.strip()

    with contextlib.suppress(OSError, subprocess.SubprocessError):
        # An installed package may lie in somebody else's repository.
        git("ls-files", "--error-unmatch", here.name)
        return git("describe", "--always", "--dirty=+", "--exclude=*")
    return None


def _append(path: str | os.PathLike[str], content: dict[str, Any]) -> None:
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), **content}
    append(storage.at(path), json.dumps(line) + "\n")
