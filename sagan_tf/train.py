"""Trains a SAGAN: `python -m sagan_tf.train --config=... --workdir=...`."""

from __future__ import annotations

import sys

from sagan_tf import command

# ruff: isort: split
import json

from absl import flags

from sagan_tf import builders, config_validation
from sagan_tf.training import banner, loop
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

_CONFIG = command.define_config_flag()
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Directory of the run; an existing run goes on."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print what would be done, and stop."
)


def main(argv: list[str]) -> None:
    """Trains, or goes on where the workdir stands."""
    del argv
    config = _CONFIG.value
    config_validation.validate(config)
    workdir = Workdir(_WORKDIR.value)
    stored = workdir.read_config() if workdir.config.exists() else None
    if stored is not None:
        config_validation.check_same_model(config, stored, workdir.path)
    dataset = builders.build_dataset(config)
    strategy = builders.build_strategy(config)
    with strategy.scope():
        gan = builders.build_gan(config)
    checkpoints = Checkpoints(
        workdir.checkpoints,
        config.checkpoint.keep,
        config.checkpoint.keep_every,
    )
    checkpoints.restore_latest(gan)
    schedule = builders.build_schedule(config)
    sys.stdout.write(banner.describe(gan, dataset, schedule, strategy) + "\n")
    sys.stdout.flush()
    if _DRY_RUN.value:
        return
    workdir.write_config(json.loads(config.to_json()))
    step = loop.train(gan, dataset, workdir, checkpoints, schedule)
    sys.stdout.write(f"step {step:,} reached; see {workdir.samples}\n")


if __name__ == "__main__":
    command.run(main, required_flags=("config", "workdir"))
