"""What a preparation does, fixed before it starts and the same when it goes on.

The plan lies beside the shards that are done until the last one is. Whoever
starts again with another plan is refused, whoever starts with the same one
goes on.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import numpy as np

from sagan_tf.data.pictures import Framing
from sagan_tf.data.readers import Reader
from sagan_tf.errors import UserError
from sagan_tf.whole_files import replacing

PROGRESS = ".progress"
_PLAN = "plan.json"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is made of which pictures.

    Attributes:
        framing: how pictures become squares.
        shard_size: pictures in each file but the last.
        num_examples: pictures to take.
        on_unreadable: `"refuse"` or `"skip"`.
        mixed: whether pictures are taken in a fixed mixed order.
        source: words that tell the pictures from others.
        class_names: a name for each class.
    """

    framing: Framing
    shard_size: int
    num_examples: int
    on_unreadable: str
    mixed: bool
    source: str
    class_names: tuple[str, ...]

    @property
    def num_shards(self) -> int:
        """Number of files."""
        return -(-self.num_examples // self.shard_size)

    def order(self) -> np.ndarray:
        """Return the numbers of the pictures in the order of the shards."""
        if not self.mixed:
            return np.arange(self.num_examples)
        # `RandomState` promises the same numbers in every release of NumPy.
        return np.random.RandomState(1).permutation(self.num_examples)

    def shard(self, number: int) -> np.ndarray:
        """Return the numbers of the pictures in a shard."""
        start = number * self.shard_size
        return self.order()[start : start + self.shard_size]

    def file(self, number: int) -> str:
        """Return the name of a shard."""
        return f"shard-{number:05d}-of-{self.num_shards:05d}.tfrecord"

    def settings(self) -> dict[str, Any]:
        """Return everything as JSON holds it."""
        return json.loads(json.dumps(dataclasses.asdict(self)))


def make_plan(
    reader: Reader,
    *,
    framing: Framing,
    num_classes: int | None,
    shard_size: int,
    num_examples: int,
    on_unreadable: str,
) -> Plan:
    """Plan a preparation of what a reader reads."""
    return Plan(
        framing=framing,
        shard_size=shard_size,
        num_examples=num_examples,
        on_unreadable=on_unreadable,
        # Pictures that are packed together are unpacked in their order.
        mixed=not reader.slow_because,
        source=reader.identity(),
        class_names=() if num_classes == 0 else reader.class_names,
    )


def begin(output: str, plan: Plan) -> str:
    """Make the directory of the progress, or find it as it was left.

    Args:
        output: directory of the shards.
        plan: what is to be done.

    Returns:
        The directory of the progress.

    Raises:
        UserError: if another preparation is or was going on in `output`, or
            it holds something else.
    """
    progress = os.path.join(output, PROGRESS)
    file = os.path.join(progress, _PLAN)
    if os.path.isfile(file):
        with open(file, encoding="utf-8") as stream:
            check_same(output, plan, json.load(stream))
        return progress
    # A kill may have come before the plan was there.
    found = os.listdir(output) if os.path.isdir(output) else []
    others = set(found) - {PROGRESS}
    if others:
        raise UserError(
            f"--output should be empty or hold this preparation. Received: "
            f"{output}, which holds {sorted(others)[0]}"
        )
    os.makedirs(progress, exist_ok=True)
    write_aside(file, json.dumps(plan.settings(), indent=1).encode())
    return progress


def check_same(output: str, plan: Plan, stored: dict[str, Any]) -> None:
    """Refuse to go on with a preparation by another plan.

    Raises:
        UserError: if they differ; the message says in what.
    """
    asked = plan.settings()
    for name in asked:
        if asked[name] != stored.get(name):
            raise UserError(
                f"--output {output} holds a preparation with another {name}: "
                f"{_short(stored.get(name))} there, {_short(asked[name])} "
                "here; choose another directory"
            )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 100 else text[:100] + "..."


def write_aside(path: str, data: bytes) -> None:
    """Write a file; nobody ever sees half of it."""
    with replacing(path) as aside:
        aside.write_bytes(data)
