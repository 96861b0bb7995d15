"""Kills a training run at random moments and looks at what is left.

    python -m tools.torture --kills=30 --workdir=DIR

A toy run is killed with SIGKILL, and resumed by the same command each time:
while it saves, between saves, and at any time from its first instant on. One
more time it is ended by SIGTERM. After each kill, and before those that wait
for a step, the configuration, the records, the sheets and every checkpoint have
to be readable. In the end an undisturbed run of as many steps has to hold the
same weights, averages and optimizers bit for bit, and each run every step once
in `metrics.jsonl`.

Every fifth life is a Python of its own; the others are forked from a process
that has imported TensorFlow and not started it, to save the import.
"""

from __future__ import annotations

import sys

from sagan_tf import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import collections
import pathlib
import random
import signal
import time
from typing import Callable

from absl import flags

from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from tools import inspection
from tools.inspection import Damage
from tools.lives import Life

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
    # The same function, and a smaller graph to build in every life.
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


class Torture:
    """A run that is killed again and again.

    Args:
        root: a directory to make; it holds the run, an undisturbed one, and
            the output of both.
        seed: of the moments.
        fresh_every: every so many lives start Python anew.

    Attributes:
        struck: how many kills left a half-written checkpoint.
    """

    def __init__(
        self, root: pathlib.Path, seed: int, fresh_every: int = _FRESH_EVERY
    ):
        self.killed = Workdir(root / "killed")
        self.whole = Workdir(root / "whole")
        self.struck = 0
        self._root = root
        self._dice = random.Random(seed)
        self._fresh_every = fresh_every
        self._lives = 0
        # Until a life has shown how long it takes to the first checkpoint.
        self._start_seconds = 8.0
        root.mkdir(parents=True)

    def live(self, workdir: Workdir, num_steps: int = _NO_END) -> Life:
        """Starts or resumes a run."""
        fresh = self._lives % self._fresh_every == 0
        self._lives += 1
        log = self._root / f"{workdir.path.name}.log"
        return Life(training_flags(workdir, num_steps), log, fresh)

    def kill(self, moment: str) -> None:
        """Resumes the run, kills it at a moment and looks at the workdir.

        Args:
            moment: one of `MOMENTS`.

        Raises:
            Damage: if something is lost, or the run ends by itself.
        """
        before = half_written(self.killed)
        life = self.live(self.killed)
        if moment == "any":
            self._sleep(self._dice.uniform(0.0, 1.3 * self._start_seconds))
        else:
            self._reach(life)
            inspection.check_readable(self.killed)
        if moment == "save":
            self._wait(life, lambda: bool(half_written(self.killed)), 0.0005)
            time.sleep(self._dice.uniform(0.0, 0.01))
        elif moment == "between":
            time.sleep(self._dice.uniform(0.0, 0.1))
        life.send(signal.SIGKILL)
        if life.wait(_TIMEOUT_SECONDS) != -signal.SIGKILL:
            raise Damage(f"the run ended by itself with status {life.status}")
        self.struck += bool(half_written(self.killed) - before)
        inspection.check_readable(self.killed)

    def terminate(self) -> None:
        """Resumes the run and ends it by SIGTERM.

        Raises:
            Damage: if something is lost, or it does not end in order.
        """
        life = self.live(self.killed)
        self._reach(life)
        life.send(signal.SIGTERM)
        if life.wait(_TIMEOUT_SECONDS) != 0:
            raise Damage(f"SIGTERM ended in status {life.status}")
        inspection.check_readable(self.killed)

    def finish(self) -> tuple[int, int]:
        """Lets the run end, and compares it with an undisturbed one.

        Returns:
            The last step, and how many variables are equal there.

        Raises:
            Damage: if they differ.
        """
        num_steps = inspection.last_step(self.killed) + _MOST_STEPS
        for workdir in (self.killed, self.whole):
            status = self.live(workdir, num_steps).wait(_TIMEOUT_SECONDS)
            if status != 0:
                raise Damage(f"{workdir.path} ended with status {status}")
            inspection.check_readable(workdir)
        same = inspection.compare(self.whole, self.killed, num_steps)
        return num_steps, same

    def _reach(self, life: Life) -> None:
        """Waits until a life has taken some steps."""
        began, before = time.monotonic(), inspection.last_step(self.killed)
        step = before + self._dice.randint(1, _MOST_STEPS)
        self._wait(life, lambda: inspection.last_step(self.killed) >= step)
        self._start_seconds = time.monotonic() - began

    def _sleep(self, seconds: float) -> None:
        """Sleeps, but no longer than a life takes some steps."""
        end = time.monotonic() + seconds
        step = inspection.last_step(self.killed) + _MOST_STEPS
        while inspection.last_step(self.killed) < step:
            left = end - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(left, 0.05))

    def _wait(
        self, life: Life, ready: Callable[[], bool], seconds: float = 0.02
    ) -> None:
        deadline = time.monotonic() + _TIMEOUT_SECONDS
        while not ready():
            if life.status is not None or time.monotonic() > deadline:
                life.send(signal.SIGKILL)
                raise Damage(
                    f"the run did not go on; its status is {life.status}"
                )
            time.sleep(seconds)


def training_flags(workdir: Workdir, num_steps: int) -> list[str]:
    """Returns the flags of a toy run."""
    fields = {**TOY, "train.num_steps": num_steps}
    return [
        "--config=twins32",
        f"--workdir={workdir.path}",
        "--deterministic",
        *(f"--config.{name}={value}" for name, value in fields.items()),
    ]


def half_written(workdir: Workdir) -> set[str]:
    """Returns the names of checkpoints that are not whole yet."""
    # One that is being removed has a name of another form.
    paths = workdir.checkpoints.glob(".step_*[0-9].tmp")
    return {path.name for path in paths}


def torture(
    root: pathlib.Path, kills: int, seed: int, fresh_every: int = _FRESH_EVERY
) -> str:
    """Runs and kills.

    Args:
        root: a directory to make.
        kills: how often.
        seed: of the moments.
        fresh_every: every so many lives start Python anew.

    Returns:
        A line that sums up.

    Raises:
        Damage: if anything was lost.
    """
    began = time.monotonic()
    run = Torture(root, seed, fresh_every)
    counts: collections.Counter[str] = collections.Counter()
    for number in range(kills):
        moment = MOMENTS[number % len(MOMENTS)]
        run.kill(moment)
        counts[moment] += 1
        step = inspection.last_step(run.killed)
        _say(f"kill {number + 1}: {moment}, checkpoint {step}")
    run.terminate()
    num_steps, same = run.finish()
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    return (
        f"nothing lost in {kills} kills ({listed}; {run.struck} in the middle "
        f"of a save) and a SIGTERM: {same} variables are equal at step "
        f"{num_steps}; seed {seed}, {time.monotonic() - began:.0f} s"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def define_flags() -> None:
    """Defines the flags; not on import, for the tests import several mains."""
    flags.DEFINE_integer("kills", 30, "How often to kill.", 1)
    flags.DEFINE_integer("seed", 0, "Of the moments.", 0)
    flags.DEFINE_string(
        "workdir", None, "Directory to make; it holds both runs."
    )


def main(argv: list[str]) -> int:
    """Tortures; returns 1 if anything was lost."""
    del argv
    values = flags.FLAGS
    root = pathlib.Path(values.workdir)
    if root.exists():
        raise UserError(f"--workdir should not exist yet. Received: {root}")
    try:
        _say(torture(root, values.kills, values.seed))
    except Damage as damage:
        sys.stderr.write(f"{command.program_name()}: {damage}\n")
        return 1
    return 0


if __name__ == "__main__":
    define_flags()
    command.run(main, required_flags=("workdir",))
