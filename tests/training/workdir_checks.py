"""Looks for damage in a workdir, and for differences between two."""

from __future__ import annotations

import json
import pathlib
from typing import Any, Callable, Iterator

import numpy as np
import tensorflow as tf
from PIL import Image

from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir


class Damage(Exception):
    """Something is not as a run without kills would have left it."""


def check_readable(workdir: Workdir) -> int:
    """Reads every file of a workdir, while its run lives or when it is dead.

    Args:
        workdir: of the run; there may be nothing in it yet.

    Returns:
        How many files and checkpoints were read.

    Raises:
        Damage: naming what cannot be read.
    """
    count = 0
    for path, read in _readers(workdir):
        try:
            read(path)
            count += 1
        except Exception as error:
            # A run that lives may have removed an old checkpoint meanwhile.
            if path.exists():
                raise Damage(f"{path} cannot be read: {error}") from error
    return count


def _readers(
    workdir: Workdir,
) -> Iterator[tuple[pathlib.Path, Callable[[pathlib.Path], Any]]]:
    for path in (workdir.config, workdir.metrics):
        if path.exists():
            is_config = path == workdir.config
            yield path, _read_json if is_config else recorded_steps
    for path in workdir.samples.glob("*.png"):
        yield path, _read_png
    checkpoints = Checkpoints(workdir.checkpoints)
    for path in workdir.checkpoints.glob("step_*"):
        yield path, lambda path: tensors(checkpoints, int(path.name[5:]))


def _read_json(path: pathlib.Path) -> Any:
    return json.loads(path.read_text())


def _read_png(path: pathlib.Path) -> None:
    with Image.open(path) as image:
        image.load()


def recorded_steps(path: pathlib.Path) -> list[int]:
    """Returns the steps of `metrics.jsonl` as they stand there."""
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def last_step(workdir: Workdir) -> int:
    """Returns the number of the newest checkpoint; 0 if there is none."""
    return max(Checkpoints(workdir.checkpoints).steps(), default=0)


def tensors(checkpoints: Checkpoints, step: int) -> dict[str, np.ndarray]:
    """Returns everything in a checkpoint by name.

    Raises:
        Damage: if it lacks a part.
    """
    if step not in checkpoints.steps():
        raise Damage(f"checkpoint {step} lacks a part")
    reader = tf.train.load_checkpoint(str(checkpoints.path(step) / "state"))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        # The structure of the objects is text, in no fixed order.
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


def compare(first: Workdir, second: Workdir, num_steps: int) -> int:
    """Compares two finished runs bit for bit.

    Args:
        first: a workdir.
        second: another.
        num_steps: the last step of both.

    Returns:
        How many variables are equal.

    Raises:
        Damage: if they differ, or a step is missing or twice in the metrics.
    """
    ours, theirs = (
        tensors(Checkpoints(workdir.checkpoints), num_steps)
        for workdir in (first, second)
    )
    if set(ours) != set(theirs):
        raise Damage("the checkpoints hold different variables")
    different = [
        name for name in ours if ours[name].tobytes() != theirs[name].tobytes()
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
    return len(ours)
