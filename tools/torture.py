"""Kills a training run at random moments and looks at what is left.

    python -m tools.torture --kills=30 --workdir=DIR

One toy run goes through undisturbed. Another is killed, and resumed by the
same command each time: with SIGKILL while it saves, between saves and while
it starts, and with SIGTERM. After each kill everything in the workdir has to
be readable, and in the end both runs have to hold the same weights, averages
and optimizers bit for bit, and every step once in `metrics.jsonl`.
"""

from __future__ import annotations

import sys

from sagan_tf import command

# ruff: isort: split
import json
import os
import pathlib
import random
import signal
import subprocess
import time
from typing import Callable

import numpy as np
import tensorflow as tf
from absl import flags
from PIL import Image

from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

_STEPS_PER_LIFE = 6
_START_SECONDS = 8.0
_TIMEOUT_SECONDS = 600.0

TOY = {
    "dtype": "float32",
    "dataset.num_examples": 12,
    "model.base_channels": 2,
    "model.discriminator_base_channels": 2,
    "model.latent_dim": 4,
    "model.attention_key_divisor": 2,
    "train.batch_size": 4,
    "train.steps_per_call": 1,
    "log.every_steps": 1,
    "log.sheet_every_steps": 4,
    "log.sheet_columns": 2,
    "log.sheet_rows": 2,
    "checkpoint.every_steps": 1,
}


class Damage(Exception):
    """Something is not as a run without kills would have left it."""


def training_command(workdir: Workdir, num_steps: int) -> list[str]:
    """Returns the command of a toy run."""
    fields = {**TOY, "train.num_steps": num_steps}
    return [
        sys.executable,
        "-m",
        "sagan_tf.train",
        "--config=configs/twins32.py",
        f"--workdir={workdir.path}",
        "--deterministic",
        *(f"--config.{name}={value}" for name, value in fields.items()),
    ]


def start(workdir: Workdir, num_steps: int) -> subprocess.Popen:
    """Starts or resumes a run."""
    with (workdir.path.parent / f"{workdir.path.name}.log").open("a") as log:
        return subprocess.Popen(
            training_command(workdir, num_steps),
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_until(process: subprocess.Popen, ready: Callable[[], bool]) -> bool:
    """Waits for a moment of a run; returns whether it came.

    Raises:
        Damage: if the run fails.
    """
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if ready():
            return True
        time.sleep(0.001)
    if process.returncode:
        raise Damage(f"the run ended with status {process.returncode}")
    return False


def last_step(workdir: Workdir) -> int:
    """Returns the number of the newest checkpoint; 0 if there is none."""
    return max(Checkpoints(workdir.checkpoints).steps(), default=0)


def is_saving(workdir: Workdir) -> bool:
    """Whether a checkpoint is half-written at this moment."""
    return any(workdir.checkpoints.glob(".step_*.tmp"))


def kill_at(
    moment: str,
    process: subprocess.Popen,
    workdir: Workdir,
    dice: random.Random,
) -> None:
    """Ends a run at a moment.

    Args:
        moment: `"start"`, `"between"`, `"save"` or `"sigterm"`.
        process: the run.
        workdir: where it runs.
        dice: chooses the step, and the time within it.

    Raises:
        Damage: if the run ends before, or SIGTERM does not end it well.
    """
    if moment == "start":
        time.sleep(dice.uniform(0.0, _START_SECONDS))
    else:
        step = last_step(workdir) + dice.randint(1, _STEPS_PER_LIFE - 2)
        reached = wait_until(process, lambda: last_step(workdir) >= step)
        if moment == "save":
            reached = wait_until(process, lambda: is_saving(workdir))
            time.sleep(dice.uniform(0.0, 0.02))
        elif moment == "between":
            time.sleep(dice.uniform(0.0, 0.1))
        if not reached:
            raise Damage(f"the run ended before it was killed ({moment})")
    if moment == "sigterm":
        process.terminate()
        if process.wait(_TIMEOUT_SECONDS):
            raise Damage(f"SIGTERM ended in status {process.returncode}")
        return
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def check_readable(workdir: Workdir) -> None:
    """Reads everything in a workdir.

    Raises:
        Damage: naming what cannot be read.
    """
    if not workdir.config.exists():
        return
    checkpoints = Checkpoints(workdir.checkpoints)
    readers = [(workdir.config, lambda path: json.loads(path.read_text()))]
    if workdir.metrics.exists():
        readers.append((workdir.metrics, recorded_steps))
    readers += [(path, _read_png) for path in workdir.samples.glob("*.png")]
    readers += [
        (path, lambda path: tensors(checkpoints, int(path.name[5:])))
        for path in workdir.checkpoints.glob("step_*")
    ]
    for path, read in readers:
        try:
            read(path)
        except Exception as error:
            raise Damage(f"{path} cannot be read: {error}") from error


def _read_png(path: pathlib.Path) -> None:
    with Image.open(path) as image:
        image.load()


def recorded_steps(path: pathlib.Path) -> list[int]:
    """Returns the steps of `metrics.jsonl` as they stand there."""
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def tensors(checkpoints: Checkpoints, step: int) -> dict[str, np.ndarray]:
    """Returns everything in a checkpoint by name."""
    if step not in checkpoints.steps():
        raise Damage(f"checkpoint {step} lacks a part")
    reader = tf.train.load_checkpoint(str(checkpoints.path(step) / "state"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        # The structure of the objects is text, in no fixed order.
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


def compare(first: Workdir, second: Workdir, num_steps: int) -> None:
    """Compares two finished runs.

    Raises:
        Damage: if they differ.
    """
    ours, theirs = (
        tensors(Checkpoints(workdir.checkpoints), num_steps)
        for workdir in (first, second)
    )
    if set(ours) != set(theirs):
        raise Damage("the checkpoints hold different variables")
    different = [
        name for name in ours if not np.array_equal(ours[name], theirs[name])
    ]
    if different:
        raise Damage(
            f"{len(different)} of {len(ours)} variables differ, such as "
            f"{sorted(different)[0]}"
        )
    for workdir in (first, second):
        steps = recorded_steps(workdir.metrics)
        if steps != list(range(1, num_steps + 1)):
            raise Damage(f"{workdir.metrics} should have every step once")


def torture(root: pathlib.Path, kills: int, seed: int) -> dict[str, int]:
    """Runs and kills.

    Args:
        root: a directory to make.
        kills: how often.
        seed: of the moments.

    Returns:
        How often the run was killed at which kind of moment.

    Raises:
        Damage: if anything was lost.
    """
    root.mkdir(parents=True)
    whole, killed = Workdir(root / "whole"), Workdir(root / "killed")
    num_steps = _STEPS_PER_LIFE * (kills + 1)
    wait_until(start(whole, num_steps), lambda: False)
    dice = random.Random(seed)
    moments = ["save", "sigterm", "between", "start"]
    counts = dict.fromkeys(moments, 0)
    for number in range(kills):
        moment = moments[number % len(moments)]
        kill_at(moment, start(killed, num_steps), killed, dice)
        check_readable(killed)
        counts[moment] += 1
        _say(f"kill {number + 1}: {moment}, step {last_step(killed)}")
    wait_until(start(killed, num_steps), lambda: False)
    check_readable(killed)
    compare(whole, killed, num_steps)
    return counts


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
    try:
        counts = torture(
            pathlib.Path(values.workdir), values.kills, values.seed
        )
    except Damage as damage:
        sys.stderr.write(f"{command.program_name()}: {damage}\n")
        return 1
    listed = ", ".join(f"{name} {count}" for name, count in counts.items())
    _say(f"nothing lost in {values.kills} kills: {listed}")
    return 0


if __name__ == "__main__":
    define_flags()
    command.run(main, required_flags=("workdir",))
