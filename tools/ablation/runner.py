"""Trains the runs of a study, a few at a time, each in its own process."""

from __future__ import annotations

import datetime
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from typing import Callable, Iterator, Sequence

from sagan_tf.errors import DivergedError, UserError
from sagan_tf.whole_files import replacing
from tools.ablation.trials import OUTCOME, Trial

_LOG = "log.txt"
_POLL_SECONDS = 0.5


def train(
    trials: Sequence[Trial],
    jobs: int,
    threads: int,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Trains runs in order, until each is done.

    Args:
        trials: runs that are not done.
        jobs: how many at a time.
        threads: threads of each operation, in each.
        say: is told what begins and ends.

    Raises:
        UserError: if one fails; those beside it are ended, and all can go on
            later.
    """
    waiting = list(trials)
    active: dict[str, tuple[subprocess.Popen, Iterator[subprocess.Popen]]] = {}
    # By default nobody would end the processes.
    before = signal.signal(signal.SIGTERM, _leave)
    try:
        while waiting or active:
            while waiting and len(active) < jobs:
                trial = waiting.pop(0)
                say(f"{trial.name} from step {trial.last_step():,}")
                processes = _processes(trial, threads)
                active[trial.name] = next(processes), processes
            time.sleep(_POLL_SECONDS)
            for name, (process, processes) in list(active.items()):
                if process.poll() is None:
                    continue
                del active[name]
                for following in processes:
                    active[name] = following, processes
                    break
                else:
                    left = len(waiting) + len(active)
                    say(f"{name} is done, {left} of {len(trials)} to go")
    finally:
        signal.signal(signal.SIGTERM, before)
        for process, _ in active.values():
            process.terminate()
            process.wait()


def _leave(number: int, frame: object) -> None:
    del frame
    # As a shell reports it.
    sys.exit(128 + number)


def _processes(trial: Trial, threads: int) -> Iterator[subprocess.Popen]:
    """Yields the process that trains and the one that scores, if needed."""
    if trial.outcome() is None:
        began, first = time.monotonic(), trial.last_step()
        process = _start(trial, trial.training_command(), threads)
        yield process
        diverged = process.returncode == DivergedError.exit_status
        if not diverged:
            _check(trial, process)
        step = trial.last_step()
        if step < trial.num_steps and not diverged:
            raise UserError(
                f"{trial.name} should reach step {trial.num_steps:,}; it was "
                f"stopped at {step:,}, and the same command goes on"
            )
        outcome = {
            "diverged": diverged,
            "step": step,
            "began_at_step": min(first, step),
            "seconds": round(time.monotonic() - began, 1),
            "threads": threads,
            "date": datetime.date.today().isoformat(),
            "command": trial.training_command(),
        }
        with replacing(trial.workdir / OUTCOME) as aside:
            aside.write_text(json.dumps(outcome, indent=2) + "\n")
    if not trial.is_done():
        process = _start(trial, trial.scoring_command(), threads)
        yield process
        _check(trial, process)


def _start(trial: Trial, command: str, threads: int) -> subprocess.Popen:
    trial.workdir.mkdir(parents=True, exist_ok=True)
    names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    limits = dict.fromkeys((*names, "OMP_NUM_THREADS"), str(threads))
    with (trial.workdir / _LOG).open("a") as log:
        return subprocess.Popen(
            [sys.executable, *shlex.split(command)[1:]],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **limits},
        )


def _check(trial: Trial, process: subprocess.Popen) -> None:
    if process.returncode:
        log = trial.workdir / _LOG
        # A progress bar returns to the start of its line.
        text = log.read_text(errors="replace").replace("\r", "\n")
        *_, last = ["no output", *filter(str.strip, text.split("\n"))]
        raise UserError(
            f"{trial.name} ended with status {process.returncode}: "
            f"{last.strip().rstrip('.')}; see {log}"
        )
