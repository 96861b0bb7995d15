"""A training run that is killed again and again, beside an undisturbed one.

`python -m tools.torture` is its command.
"""

from __future__ import annotations

import collections
import pathlib
import random
import signal
import time
from typing import Callable

from sagan_tf.training.workdir import Workdir
from tests.training import workdir_checks
from tests.training.training_process import TrainingProcess
from tests.training.workdir_checks import Damage

MOMENTS = ("save", "any", "between")
_MOST_STEPS = 5
_NO_END = 10**6
_FRESH_EVERY = 5
_TIMEOUT_SECONDS = 900.0

TOY = {
    "dtype": "float32",
    "dataset.num_examples": 12,
    "model.base_channels": 1,
    "model.discriminator_base_channels": 1,
    "model.latent_dim": 4,
    "model.attention_key_divisor": 1,
    "model.attention_value_divisor": 1,
    # The same function, and a smaller graph to build at every start.
    "model.fold_resampling": False,
    "train.batch_size": 4,
    "train.steps_per_call": 1,
    "log.every_steps": 1,
    "log.sheet_every_steps": 10,
    "log.sheet_columns": 2,
    "log.sheet_rows": 2,
    # So that a killed run has recorded steps that it has to take again.
    "checkpoint.every_steps": 2,
}


class KilledRun:
    """A run that is killed again and again.

    Args:
        root: a directory to make; it holds the run, an undisturbed one, and
            the output of both.
        seed: of the moments.
        fresh_every: every so many starts are a Python of their own.

    Attributes:
        killed: the run's directory.
        whole: that of the undisturbed one.
        half_saved: how many kills left a half-written checkpoint.
    """

    def __init__(
        self, root: pathlib.Path, seed: int, fresh_every: int = _FRESH_EVERY
    ):
        self.killed = Workdir(root / "killed")
        self.whole = Workdir(root / "whole")
        self.half_saved = 0
        self._root = root
        self._random = random.Random(seed)
        self._fresh_every = fresh_every
        self._starts = 0
        # Until one has shown how long it takes to the first checkpoint.
        self._start_seconds = 8.0
        root.mkdir(parents=True)

    def start(
        self, workdir: Workdir, num_steps: int = _NO_END
    ) -> TrainingProcess:
        """Starts or resumes a run."""
        fresh = self._starts % self._fresh_every == 0
        self._starts += 1
        log = self._root / f"{workdir.path.name}.log"
        return TrainingProcess(training_flags(workdir, num_steps), log, fresh)

    def kill(self, moment: str) -> None:
        """Resumes the run, kills it at a moment and checks the workdir.

        Args:
            moment: one of `MOMENTS`.

        Raises:
            Damage: if something is lost, or the run ends by itself.
        """
        before = half_written(self.killed)
        process = self.start(self.killed)
        if moment == "any":
            self._sleep(self._random.uniform(0.0, 1.3 * self._start_seconds))
        else:
            self._reach_step(process)
            workdir_checks.check_readable(self.killed)
        if moment == "save":
            self._wait(process, lambda: bool(half_written(self.killed)), 0.0005)
            time.sleep(self._random.uniform(0.0, 0.01))
        elif moment == "between":
            time.sleep(self._random.uniform(0.0, 0.1))
        process.send(signal.SIGKILL)
        if process.wait(_TIMEOUT_SECONDS) != -signal.SIGKILL:
            raise Damage(
                f"the run ended by itself with status {process.status}"
            )
        self.half_saved += bool(half_written(self.killed) - before)
        workdir_checks.check_readable(self.killed)

    def terminate(self) -> None:
        """Resumes the run and ends it by SIGTERM.

        Raises:
            Damage: if something is lost, or it does not end in order.
        """
        process = self.start(self.killed)
        self._reach_step(process)
        process.send(signal.SIGTERM)
        if process.wait(_TIMEOUT_SECONDS) != 0:
            raise Damage(f"SIGTERM ended in status {process.status}")
        workdir_checks.check_readable(self.killed)

    def finish(self) -> tuple[int, int]:
        """Lets the run end, and compares it with an undisturbed one.

        Returns:
            The last step, and how many variables are equal there.

        Raises:
            Damage: if they differ.
        """
        num_steps = workdir_checks.last_step(self.killed) + _MOST_STEPS
        for workdir in (self.killed, self.whole):
            status = self.start(workdir, num_steps).wait(_TIMEOUT_SECONDS)
            if status != 0:
                raise Damage(f"{workdir.path} ended with status {status}")
            workdir_checks.check_readable(workdir)
        equal = workdir_checks.compare(self.whole, self.killed, num_steps)
        return num_steps, equal

    def _reach_step(self, process: TrainingProcess) -> None:
        """Waits until a process has taken some steps."""
        began = time.monotonic()
        step = workdir_checks.last_step(self.killed)
        step += self._random.randint(1, _MOST_STEPS)
        self._wait(
            process, lambda: workdir_checks.last_step(self.killed) >= step
        )
        self._start_seconds = time.monotonic() - began

    def _sleep(self, seconds: float) -> None:
        """Sleeps, but no longer than a process takes some steps."""
        end = time.monotonic() + seconds
        step = workdir_checks.last_step(self.killed) + _MOST_STEPS
        while workdir_checks.last_step(self.killed) < step:
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.05))

    def _wait(
        self,
        process: TrainingProcess,
        ready: Callable[[], bool],
        seconds: float = 0.02,
    ) -> None:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not ready():
            if process.status is not None or time.monotonic() > deadline:
                process.send(signal.SIGKILL)
                raise Damage(
                    f"the run did not go on; its status is {process.status}"
                )
            time.sleep(seconds)


def training_flags(workdir: Workdir, num_steps: int) -> list[str]:
    """Returns the flags of a toy run."""
    fields = {**TOY, "train.num_steps": num_steps}
    return [
        "--config=configs/twins32.py",
        f"--workdir={workdir.path}",
        "--deterministic",
        *(f"--config.{name}={value}" for name, value in fields.items()),
    ]


def half_written(workdir: Workdir) -> set[str]:
    """Returns the names of checkpoints that are not whole yet."""
    # One that is being removed has a name of another form.
    paths = workdir.checkpoints.glob(".step_*[0-9].tmp")
    return {path.name for path in paths}


def kill_repeatedly(
    root: pathlib.Path,
    kills: int,
    seed: int,
    say: Callable[[str], None] = lambda text: None,
    fresh_every: int = _FRESH_EVERY,
) -> str:
    """Kills a run, ends it by SIGTERM, and lets it end.

    Args:
        root: a directory to make.
        kills: how often.
        seed: of the moments.
        say: is told of each kill.
        fresh_every: every so many starts are a Python of their own.

    Returns:
        A line that sums up.

    Raises:
        Damage: if anything was lost.
    """
    began = time.monotonic()
    run = KilledRun(root, seed, fresh_every)
    counts: collections.Counter[str] = collections.Counter()
    for number in range(kills):
        moment = MOMENTS[number % len(MOMENTS)]
        run.kill(moment)
        counts[moment] += 1
        step = workdir_checks.last_step(run.killed)
        say(f"kill {number + 1}: {moment}, checkpoint {step}")
    run.terminate()
    num_steps, equal = run.finish()
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return (
        f"nothing lost in {kills} kills ({listed}; {run.half_saved} in the "
        f"middle of a save) and a SIGTERM: {equal} variables are equal at step "
        f"{num_steps}; seed {seed}, {time.monotonic() - began:.0f} s"
    )
