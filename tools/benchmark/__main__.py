"""Measures speed and memory, beside TF-GAN's example and the machine's limit.

    python -m tools.benchmark --only=step,generation,limit --json=now.json

Everything that is compared runs in one process and in turn, so that all see
the same machine; only peak memory takes a process for each variant. TF-GAN's
example has one form (128 pixels, attention at 32, float32) and is left out of
other settings.
"""

from __future__ import annotations

import dataclasses
import functools
import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
from typing import Any, Sequence

from absl import flags

from sagan_tf import image_sizes
from sagan_tf.configuration.fields import FIELDS
from sagan_tf.errors import UserError
from tools.benchmark import report
from tools.benchmark.ours import Setting
from tools.benchmark.sections import Benchmark

SECTIONS = (
    "step",
    "generation",
    "limit",
    "memory",
    "data",
    "attention",
    "scores",
    "scaling",
    "sweep",
)
POLICIES = [name for name in FIELDS["dtype"].check.names if name != "auto"]
_ONLY = flags.DEFINE_list(
    "only", ",".join(SECTIONS[:5]), f"What to measure: {', '.join(SECTIONS)}."
)
_JSON = command.define_path(
    "json", None, "File to write the results to.", local=True
)
_PLOT = command.define_path(
    "plot", None, "PNG to draw the sweeps into.", local=True
)
_DTYPES = flags.DEFINE_list(
    "dtypes", "float32,mixed_bfloat16", "Our dtype policies."
)
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 128, "Height and width.")
_CHANNELS = flags.DEFINE_integer(
    "base_channels", 32, "Width of the networks.", lower_bound=1
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 16, "Images in an update.", lower_bound=1
)
_CLASSES = flags.DEFINE_integer(
    "num_classes", 1000, "Number of classes.", lower_bound=1
)
_ROUNDS = flags.DEFINE_integer(
    "rounds", 5, "Rounds of each timing.", lower_bound=1
)
_SECONDS = flags.DEFINE_float("seconds", 2.0, "Least length of a round.")
_ATTENTION_SIZE = flags.DEFINE_integer(
    "attention_size", 128, "Map of the section attention."
)
_ATTENTION_BATCH = flags.DEFINE_integer(
    "attention_batch_size", 8, "Batch of the section attention."
)
_SCORED = flags.DEFINE_integer(
    "score_images", 1000, "Images of each kind in the section scores.", 4
)
_BATCHES = flags.DEFINE_list(
    "sweep_batch_sizes", "4,8,16,32", "Batch sizes of the section sweep."
)
_WIDTHS = flags.DEFINE_list(
    "sweep_base_channels", "8,16,32,64", "Widths of the section sweep."
)


def main(argv: list[str]) -> None:
    """Measures what the flags ask for."""
    del argv
    sections = _ONLY.value
    _check(_ONLY.name, sections, SECTIONS)
    _check(_DTYPES.name, _DTYPES.value, POLICIES)
    size = _IMAGE_SIZE.value
    if not image_sizes.fits(size):
        raise UserError(
            f"--image_size should be {image_sizes.EXPECTED}. "
            f"Received: {size}{image_sizes.nearest(size)}"
        )
    if "scaling" in sections and _BATCH_SIZE.value % 2:
        raise UserError(
            "--batch_size should be even, for two workers share it. Received: "
            f"{_BATCH_SIZE.value}"
        )
    if _PLOT.value and "sweep" not in sections:
        raise UserError("--plot draws the sweeps: add sweep to --only")
    benchmark = Benchmark(
        Setting(
            image_size=_IMAGE_SIZE.value,
            base_channels=_CHANNELS.value,
            batch_size=_BATCH_SIZE.value,
            num_classes=_CLASSES.value,
        ),
        tuple(_DTYPES.value),
        _ROUNDS.value,
        _SECONDS.value,
        num_scored=_SCORED.value,
        large_attention=(_ATTENTION_SIZE.value, _ATTENTION_BATCH.value),
        sweeps={
            "batch_size": _integers(_BATCHES),
            "base_channels": _integers(_WIDTHS),
        },
        say=functools.partial(print, file=sys.stderr, flush=True),
    )
    rows: list[report.Row] = []
    for name in SECTIONS:
        if name in sections:
            rows += getattr(benchmark, name)()
    sys.stdout.write(report.table(rows) + "\n")
    if _JSON.value:
        setting = dataclasses.asdict(benchmark.setting)
        report.write_json(_JSON.value, setting, rows)
    if _PLOT.value:
        report.plot(_PLOT.value, benchmark.curves)


def _check(flag: str, values: Sequence[Any], known: Sequence[Any]) -> None:
    for value in values:
        if value not in known:
            raise UserError(
                f"--{flag} should name some of "
                f"{', '.join(map(str, known))}. Received: {value!r}"
            )


def _integers(flag: flags.FlagHolder) -> list[int]:
    try:
        values = [int(value) for value in flag.value]
    except ValueError:
        values = []
    if not values or min(values) < 1:
        raise UserError(
            f"--{flag.name} should be integers from 1, with commas. "
            f"Received: {','.join(flag.value)!r}"
        )
    return values


if __name__ == "__main__":
    command.run(main)
