"""Training runs as processes that can be killed."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import runpy
import subprocess
import sys
import threading

import tqdm

_MODULE = "sagan_tf.train"
# Forks from a process that has imported TensorFlow, but never started it: a
# fork inherits no thread, device or random state. `sagan_tf.cli.command` is
# first, for it quietens TensorFlow's start.
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(
    [
        "sagan_tf.cli.command",
        "sagan_tf.configuration.builders",
        "sagan_tf.training.workers",
    ]
)


class TrainingProcess:
    """A training run from its start to its end.

    Args:
        arguments: the flags of `sagan_tf.train`.
        log: the file to append its output to.
        fresh: whether to start Python anew, as a user does; else it is forked
            from a process that has imported what it needs, which saves the
            seconds that the import takes. Either is a whole process, with the
            same command line, that knows nothing of earlier ones.
    """

    def __init__(
        self, arguments: list[str], log: pathlib.Path, fresh: bool = True
    ):
        self._process: subprocess.Popen | multiprocessing.Process
        if fresh:
            with log.open("a") as file:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", _MODULE, *arguments],
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
        else:
            self._process = _FORKS.Process(
                target=_train, args=(arguments, str(log)), daemon=True
            )
            self._process.start()

    @property
    def status(self) -> int | None:
        """The exit status, `-N` after signal N; None while it runs."""
        if isinstance(self._process, subprocess.Popen):
            return self._process.poll()
        return self._process.exitcode

    def wait(self, seconds: float) -> int | None:
        """Waits for the end; returns the status."""
        if isinstance(self._process, subprocess.Popen):
            try:
                return self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
        self._process.join(seconds)
        return self._process.exitcode

    def send(self, number: int) -> None:
        """Sends a signal, unless it has ended."""
        if self.status is None:
            os.kill(self._process.pid, number)


def _train(arguments: list[str], log: str) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    # Its own lock is one that somebody has to clean up after a kill.
    tqdm.tqdm.set_lock(threading.RLock())
    sys.argv = [_MODULE, *arguments]
    runpy.run_module(_MODULE, run_name="__main__", alter_sys=True)
