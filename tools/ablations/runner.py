"""Trains the runs of a study, a few at a time, each in its own process."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import signal
import subprocess
import sys
import time
from typing import Callable, Iterator, Sequence

from sagan_tf.errors import DivergedError, UserError
from tools.ablations.plan import LOG, Run

_LOCK = ".lock"
_SECONDS_BETWEEN_LOOKS = 0.5


class Process:
    """A run in training.

    The process holds a lock on its directory, so that a run whose parent was
    killed is not started a second time beside itself.

    Args:
        run: the run.
        threads: threads of each operation in it.

    Raises:
        UserError: if the run is in training already.
    """

    def __init__(self, run: Run, threads: int):
        run.workdir.mkdir(parents=True, exist_ok=True)
        self.run = run
        self.threads = threads
        self._began_at, self._began = run.last_step(), time.monotonic()
        lock = os.open(run.workdir / _LOCK, os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._scores = run.outcome() is not None
            arguments = run.arguments()
            if self._scores:
                arguments = run.scoring_arguments()
            self._process = self._start(arguments, (lock,))
        except BlockingIOError as error:
            raise UserError(
                f"{run.workdir} is in training already: wait for it, or end "
                "that process"
            ) from error
        finally:
            os.close(lock)

    def _start(
        self, arguments: Sequence[str], locks: Sequence[int] = ()
    ) -> subprocess.Popen:
        with (self.run.workdir / LOG).open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **_limits(self.threads)},
                pass_fds=locks,
            )

    def has_ended(self) -> bool:
        """Returns whether it has; then its outcome is stored.

        Raises:
            UserError: if it ended for another reason than its last step or a
                loss that was not finite.
        """
        status = self._process.poll()
        if status is None:
            return False
        diverged = status == DivergedError.exit_status
        if status and not diverged:
            raise UserError(
                f"{self.run.name} ended with status {status}: "
                f"{_last_line(self.run)}; see {self.run.workdir / LOG}"
            )
        if self._scores:
            return True
        step = self.run.last_step()
        if step < self.run.num_steps and not diverged:
            raise UserError(
                f"{self.run.name} should reach step {self.run.num_steps:,}; it "
                f"was stopped at {step:,}, and the same command goes on"
            )
        self._store(diverged)
        self._scores = not diverged and self.run.lacks_scores()
        if self._scores:
            # It was killed between its last step and its score.
            self._process = self._start(self.run.scoring_arguments())
        return not self._scores

    def _store(self, diverged: bool) -> None:
        step = self.run.last_step()
        self.run.write_outcome(
            diverged=diverged,
            step=step,
            began_at_step=min(self._began_at, step),
            seconds=round(time.monotonic() - self._began, 1),
            threads=self.threads,
            date=datetime.date.today().isoformat(),
            command=" ".join(["python", "-m", *self.run.arguments()]),
        )

    def stop(self) -> None:
        """Ends the process; its last checkpoint stays."""
        self._process.terminate()
        self._process.wait()


def train(
    runs: Sequence[Run],
    jobs: int,
    threads: int,
    observe: Callable[[Sequence[Run]], None],
) -> None:
    """Trains runs in order, until each is done.

    Args:
        runs: runs that are not done.
        jobs: how many at a time.
        threads: threads of each operation, in each.
        observe: called now and then with those in training.

    Raises:
        UserError: if one fails; those beside it are ended, and all can go on
            later.
    """
    waiting, active = list(runs), []
    with _all_stopped(active):
        while waiting or active:
            while waiting and len(active) < jobs:
                active.append(Process(waiting.pop(0), threads))
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            for process in list(active):
                if process.has_ended():
                    active.remove(process)
            observe([process.run for process in active])


@contextlib.contextmanager
def _all_stopped(active: list[Process]) -> Iterator[None]:
    """Ends what is active behind the block, however it is left."""

    def leave(number: int, frame: object) -> None:
        del frame
        # As a shell reports it; by default nobody would end the processes.
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        for process in active:
            process.stop()


def _limits(threads: int) -> dict[str, str]:
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    return dict.fromkeys((*names, "OMP_NUM_THREADS"), str(threads))


def _last_line(run: Run) -> str:
    lines = (run.workdir / LOG).read_text(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1].rpartition("\r")[-1].rstrip(".") if said else "no output"
