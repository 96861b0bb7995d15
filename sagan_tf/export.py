"""Exports a run's generator: `python -m sagan_tf.export --workdir=...`."""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import csv
import json
from typing import Any

import tensorflow as tf
from absl import flags, logging

from sagan_tf import exporting, runs, storage
from sagan_tf.cli import run_flags
from sagan_tf.errors import UserError
from sagan_tf.exporting import single_file
from sagan_tf.exporting.saved_model import check_free
from sagan_tf.training import devices

_WORKDIR, _PRETRAINED = run_flags.define()
_OUTPUT = command.define_path(
    "output",
    None,
    "Directory of the SavedModel or of the .keras files, or PATH.onnx or "
    "PATH.tflite; it must not exist yet.",
)
_FORMAT = flags.DEFINE_enum(
    "format",
    "saved_model",
    ["saved_model", "keras", "onnx", "tflite"],
    "What to write; keras writes the discriminator too.",
)
_DTYPE = flags.DEFINE_enum(
    "dtype",
    "float32",
    ["float32", "float16", "bfloat16", "int8"],
    "What a SavedModel computes in (float32, float16, bfloat16), or what a "
    "TensorFlow Lite file keeps its weights in (float32, float16, int8).",
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Which to export: latest, best or a step."
)
_EMA = flags.DEFINE_bool("ema", True, "Export the averaged generator.")
_LICENSE = flags.DEFINE_string(
    "license",
    None,
    "License of the weights, for the model card; that of pretrained ones "
    "without it.",
)

_UNKNOWN = "not stated"
_DTYPES = {
    "saved_model": ("float32", "float16", "bfloat16"),
    "keras": ("float32",),
    **{name: each.DTYPES for name, each in single_file.FORMATS.items()},
}


def main(argv: list[str]) -> None:
    """Exports, proves and reports."""
    del argv
    devices.prepare()
    # TensorFlow tells of every input that it renames.
    logging.set_verbosity(logging.WARNING)
    tf.get_logger().setLevel("WARNING")
    output = storage.at(_OUTPUT.value)
    _check_output(output)
    chosen = run_flags.only_one(_WORKDIR, _PRETRAINED)
    run = runs.open_run(chosen.value, _CHECKPOINT.value)
    generator = run.load_generator(_EMA.value)
    if _FORMAT.value == "saved_model":
        what, where = "a SavedModel", "Reloaded in a fresh process, it draws"
        difference = exporting.export(
            generator, output, _card(run), _DTYPE.value
        )
    elif _FORMAT.value == "keras":
        what, where = "part of .keras files", "Read again, it draws"
        difference = exporting.export_keras(
            generator, run.load_discriminator(), output, _card(run)
        )
    else:
        module = single_file.FORMATS[_FORMAT.value]
        what, where = f"a file for {module.NAME}", "There it draws"
        difference = exporting.export_file(
            generator, output, _FORMAT.value, _card(run), _DTYPE.value
        )
    sys.stdout.write(
        f"{output}: the generator of step {run.step:,} as {what} of "
        f"{_size(output) / 1e6:.1f} MB. {where} what the network draws, within "
        f"{difference:.1g}.\n"
    )


def _check_output(output: storage.AnyPath) -> None:
    dtypes = _DTYPES[_FORMAT.value]
    if _DTYPE.value not in dtypes:
        raise UserError(
            f"--dtype should be {' or '.join(dtypes)} with "
            f"--format={_FORMAT.value}. Received: {_DTYPE.value}"
        )
    if _FORMAT.value in single_file.FORMATS:
        single_file.check_file(output, _FORMAT.value)
        return
    ending = output.suffix.lstrip(".").lower()
    if ending in single_file.FORMATS:
        raise UserError(
            f"--output={output} goes with --format={ending}. Received: "
            f"--format={_FORMAT.value}, which writes a directory"
        )
    check_free(output)


def _size(output: storage.AnyPath) -> int:
    files = output.rglob("*") if output.is_dir() else [output]
    return sum(path.stat().st_size for path in files if path.is_file())


def _card(run: runs.Run) -> dict[str, Any]:
    """Returns what the model card says beside the sizes."""
    return {
        "model": "generator of a SAGAN (arXiv:1805.08318)",
        "step": run.step,
        "weights": "ema" if _EMA.value else "generator",
        "class_names": list(run.class_names()),
        "labels": "int32 in [0, num_classes)",
        "truncation": "size that no number of a latent exceeds; 0 for none",
        "license": {
            "code": "Apache-2.0",
            "weights": _LICENSE.value or run.card().get("license", _UNKNOWN),
        },
        "scores": _scores(run),
        "config": json.loads(run.config.to_json()),
    }


def _scores(run: runs.Run) -> list[dict[str, str]]:
    """Returns the step's rows of the run's scores, protocol and all."""
    path = run.workdir.scores
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = csv.DictReader(file)
        return [row for row in rows if row.get("step") == str(run.step)]


def cli() -> None:
    """Runs this command: what `sagan-export` calls."""
    command.run(main, required_flags=("output",))


if __name__ == "__main__":
    cli()
