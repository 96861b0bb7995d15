"""Trains a SAGAN: `python -m sagan_tf.train --config=... --workdir=...`."""

from __future__ import annotations

import sys

from sagan_tf import command

# ruff: isort: split
import json
from typing import Any

from absl import flags

from sagan_tf import builders, config_validation
from sagan_tf.training import banner, first_look, loop
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import curves

_CONFIG = command.define_config_flag()
_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Directory of the run; an existing run goes on."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print what would be done, and stop."
)
_EVALUATE_EVERY = flags.DEFINE_integer(
    "evaluate_every", 0, "Steps between two self-evaluations; 0 for none.", 0
)


def main(argv: list[str]) -> None:
    """Trains as the flags say."""
    del argv
    run(
        _CONFIG.value,
        Workdir(_WORKDIR.value),
        dry_run=_DRY_RUN.value,
        evaluate_every=_EVALUATE_EVERY.value,
    )


def run(
    config: Any,
    workdir: Workdir,
    dry_run: bool = False,
    evaluate_every: int = 0,
) -> None:
    """Trains from where the workdir stands to the last step.

    Args:
        config: a configuration, see `configs/default.py`.
        workdir: where the run lives.
        dry_run: whether to stop when everything is built and said.
        evaluate_every: steps between two self-evaluations; 0 for none.

    Raises:
        UserError: if the configuration, the data or the workdir do not fit.
    """
    config_validation.validate(config)
    if workdir.config.exists():
        config_validation.check_same_model(
            config, workdir.read_config(), workdir.path
        )
    dataset = builders.build_dataset(config)
    findings, found = first_look.look(dataset)
    strategy = builders.build_strategy(config)
    with strategy.scope():
        gan = builders.build_gan(config)
    checkpoints = builders.build_checkpoints(config, workdir)
    checkpoints.restore_latest(gan)
    schedule = builders.build_schedule(config)
    _say(banner.describe(gan, dataset, schedule, strategy))
    _say(found)
    if dry_run:
        return
    workdir.write_config(json.loads(config.to_json()))
    first_look.draw(dataset, findings, workdir)
    measures = builders.build_measures(config)
    extra = []
    if evaluate_every:
        extra.append(
            builders.build_self_evaluation(
                config, gan, dataset, workdir, checkpoints, evaluate_every
            )
        )
    with first_look.failures_named(dataset):
        step = loop.train(
            gan, dataset, workdir, checkpoints, schedule, measures, extra
        )
    curves.plot_metrics(workdir.metrics, workdir.curves)
    _say(f"step {step:,} reached: {workdir.samples} and {workdir.curves}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    command.run(main, required_flags=("config", "workdir"))
