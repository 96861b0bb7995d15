"""Kills a training run at random moments and checks what is left.

    python -m tools.torture --kills=30 --workdir=DIR

A toy run is killed with SIGKILL, and resumed by the same command each time:
while it saves, between saves, and at any time from its first instant on. One
more time it is ended by SIGTERM. After each kill, and before those that wait
for a step, the configuration, the records, the sheets and every checkpoint have
to be readable. In the end an undisturbed run of as many steps has to hold the
same weights, averages and optimizers bit for bit, and each run every step once
in `metrics.jsonl`.

Every fifth start is a Python of its own; the others are forked from a process
that has imported TensorFlow and not started it, to save the import.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import functools
import pathlib

from absl import flags

from sagan_tf.errors import UserError
from tests.training import killed_run


def define_flags() -> None:
    """Defines the flags.

    Not on import: the forked runs import this module, and have flags of the
    same names.
    """
    flags.DEFINE_integer("kills", 30, "How often to kill.", 1)
    flags.DEFINE_integer("seed", 0, "Of the moments.", 0)
    command.define_path(
        "workdir", None, "Directory to make; it holds both runs.", local=True
    )


def main(argv: list[str]) -> int:
    """Kills a run again and again; returns 1 if anything was lost."""
    del argv
    values = flags.FLAGS
    root = pathlib.Path(values.workdir)
    if root.exists():
        raise UserError(f"--workdir should not exist yet. Received: {root}")
    try:
        say = functools.partial(print, flush=True)
        say(killed_run.kill_repeatedly(root, values.kills, values.seed, say))
    except killed_run.Damage as damage:
        sys.stderr.write(f"{command.program_name()}: {damage}\n")
        return 1
    return 0


if __name__ == "__main__":
    define_flags()
    command.run(main, required_flags=("workdir",))
