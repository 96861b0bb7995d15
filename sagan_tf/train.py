"""Trains a SAGAN: `python -m sagan_tf.train --config=... --workdir=...`.

Without `--config` the run in `--workdir` goes on with its own configuration;
`--config.FIELD=VALUE` changes what may change.
"""

from __future__ import annotations

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import tensorflow as tf
from absl import flags

from sagan_tf.cli import feature_flags
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from sagan_tf.training_run import run

_CONFIG = command.define_config_flag()
_WORKDIR = command.define_path(
    "workdir", None, "Directory of the run; an existing run goes on."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print what would be done, and stop."
)
_EVALUATE_EVERY = flags.DEFINE_integer(
    "evaluate_every", 0, "Steps between two self-evaluations; 0 for none.", 0
)
_FEATURES, _INCEPTION_PATH = feature_flags.define()
_DETERMINISTIC = flags.DEFINE_bool(
    "deterministic",
    False,
    "Make two runs on the same device equal bit for bit; slower on a GPU.",
)


def main(argv: list[str]) -> None:
    """Trains as the flags say."""
    del argv
    for flag in (_FEATURES, _INCEPTION_PATH):
        if flag.present and not _EVALUATE_EVERY.value:
            raise UserError(
                f"--{flag.name} is for --evaluate_every=STEPS: leave it out"
            )
    if _DETERMINISTIC.value:
        tf.config.experimental.enable_op_determinism()
    run(
        _CONFIG.value,
        Workdir(_WORKDIR.value),
        dry_run=_DRY_RUN.value,
        evaluate_every=_EVALUATE_EVERY.value,
        features=_FEATURES.value,
        inception_path=_INCEPTION_PATH.value,
    )


def cli() -> None:
    """Runs this command: what `sagan-train` calls."""
    command.run(main, required_flags=("config", "workdir"))


if __name__ == "__main__":
    cli()
