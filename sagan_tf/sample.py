"""Draws pictures: `python -m sagan_tf.sample --workdir=... --output=...`."""

from __future__ import annotations

import sys

from sagan_tf import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import itertools
import pathlib
import re
from typing import Any, Iterator

import numpy as np
from absl import flags

from sagan_tf import choices, runs
from sagan_tf.errors import UserError
from sagan_tf.exporting import ExportedGenerator
from sagan_tf.training import devices
from sagan_tf.visualization import arrangements, sheets

_WORKDIR = command.define_path("workdir", "", "Directory of the run.")
_SAVED_MODEL = command.define_path(
    "saved_model", "", "Exported generator, in place of a run."
)
_OUTPUT = command.define_path(
    "output", None, "PATH.png for a sheet; else a directory for single files."
)
_SHOW = flags.DEFINE_enum(
    "show",
    "samples",
    ["samples", "latents", "classes", "truncation"],
    "Samples; ways between latents or classes; or a sweep of truncations.",
)
_WAY = flags.DEFINE_enum(
    "way", "spherical", ["spherical", "linear"], "How latents are connected."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", None, "Pictures; 100 samples or 6 rows without it.", 1
)
_COLUMNS = flags.DEFINE_integer(
    "columns", 10, "Pictures in a row of a way or a sweep.", 2
)
_LABELS = flags.DEFINE_list(
    "labels", None, "Classes by number or name, such as 0,1 or cats,dogs."
)
_LIST_CLASSES = flags.DEFINE_bool(
    "list_classes", False, "Print number and name of each class, and stop."
)
_TRUNCATION = flags.DEFINE_float(
    "truncation", 0.0, "Size that no number of a latent exceeds; 0 for none."
)
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the first picture; the others count on."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_EMA = flags.DEFINE_bool("ema", True, "Draw with the averaged generator.")
_SCALE = flags.DEFINE_integer(
    "scale", None, "Pixels per pixel of a sheet; by size without it.", 1
)

_ROWS = 6
_AT_ONCE = 50
_NO_SHEET = (".bmp", ".gif", ".jpeg", ".jpg", ".npz", ".webp")


def main(argv: list[str]) -> None:
    """Draws as the flags say."""
    del argv
    devices.prepare()
    if _LIST_CLASSES.value:
        sys.stdout.write(_list_classes(_open_source()))
        return
    if not _OUTPUT.value:
        raise UserError("--output is required: PATH.png or a directory")
    output = pathlib.Path(_OUTPUT.value)
    _check_output(output)
    truncation = choices.check_truncation(_TRUNCATION.value)
    source = _open_source()
    if isinstance(source, runs.Run):
        source = source.source(_EMA.value)
    names = source.class_names()
    arrangement = _arrange(source, names, truncation)
    batches = _draw(source, arrangement)
    if output.suffix == ".png":
        _write_sheet(output, np.concatenate(list(batches)), arrangement)
    else:
        _write_files(output, batches, arrangement.labels, names)
    count = len(arrangement.labels)
    sys.stdout.write(f"{output}: {count} pictures\n")


def _check_output(output: pathlib.Path) -> None:
    if output.suffix.lower() in _NO_SHEET:
        raise UserError(
            "--output should end in .png for a sheet, or be a directory for "
            f"single files. Received: {output}"
        )
    if output.suffix == ".png":
        if output.is_dir():
            raise UserError(f"--output {output} is a directory, not a file")
    elif output.exists() and not (
        output.is_dir() and not any(output.iterdir())
    ):
        raise UserError(
            "--output should be PATH.png, or a new or empty directory. "
            f"Received: {output}, where something stands already"
        )


def _open_source() -> runs.Run | ExportedGenerator:
    if bool(_WORKDIR.value) == bool(_SAVED_MODEL.value):
        raise UserError("give --workdir=DIR or --saved_model=DIR, one of them")
    if _SAVED_MODEL.value:
        return ExportedGenerator(_SAVED_MODEL.value)
    return runs.open_run(_WORKDIR.value, _CHECKPOINT.value)


def _list_classes(source: runs.Run | ExportedGenerator) -> str:
    names = source.class_names()
    lines = (f"{number} {name}\n" for number, name in enumerate(names))
    return "".join(lines) or "no classes\n"


def _arrange(
    source: Any, names: tuple[str, ...], truncation: float
) -> arrangements.Arrangement:
    labels = choices.choose_labels(_LABELS.value, source.num_classes, names)
    show, columns = _SHOW.value, _COLUMNS.value
    if show == "samples":
        seeds = choices.count_seeds(_SEED.value, _NUM_IMAGES.value or 100)
        return arrangements.samples(
            seeds, labels, names, source.latent_dim, truncation
        )
    rows = _rows(columns)
    if show == "truncation":
        seeds = choices.count_seeds(_SEED.value, columns)
        return arrangements.truncation_sweep(
            seeds, labels, source.latent_dim, rows
        )
    common = (labels, names, source.latent_dim, columns, truncation)
    if show == "latents":
        seeds = choices.count_seeds(_SEED.value, 2 * rows)
        return arrangements.latent_paths(
            seeds, *common, spherical=_WAY.value == "spherical"
        )
    _check_classes(labels)
    seeds = choices.count_seeds(_SEED.value, rows)
    return arrangements.class_paths(seeds, *common)


def _rows(columns: int) -> int:
    count = _NUM_IMAGES.value or _ROWS * columns
    if count % columns:
        raise UserError(
            f"--num_images should be a multiple of --columns ({columns}) with "
            f"--show={_SHOW.value}. Received: {count}"
        )
    rows, most = count // columns, len(arrangements.TRUNCATIONS)
    if _SHOW.value == "truncation" and rows > most:
        raise UserError(
            f"--num_images should be at most {most * columns}, {most} "
            f"truncations of --columns={columns}. Received: {count}"
        )
    return rows


def _check_classes(labels: list[int]) -> None:
    if len(labels) < 2:
        raise UserError(
            "--show=classes should have two --labels or more to go between. "
            f"Received: {labels}"
        )
    if _SAVED_MODEL.value:
        raise UserError(
            "--show=classes needs --workdir: an exported generator takes whole "
            "classes only"
        )


def _draw(
    source: Any, arrangement: arrangements.Arrangement
) -> Iterator[np.ndarray]:
    """Yields pictures as bytes, a few at a time: there may be many."""
    for start in range(0, len(arrangement.labels), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield sheets.to_uint8(
            source.draw(arrangement.latents[part], arrangement.labels[part])
        )


def _write_sheet(
    path: pathlib.Path,
    images: np.ndarray,
    arrangement: arrangements.Arrangement,
) -> None:
    sheet = sheets.image_grid(
        images,
        arrangement.columns,
        row_labels=arrangement.captions,
        enlarge_to=(_SCALE.value or 0) * images.shape[1] or 64,
    )
    sheets.write_png(str(path), sheet)


def _write_files(
    directory: pathlib.Path,
    batches: Iterator[np.ndarray],
    labels: np.ndarray,
    names: tuple[str, ...],
) -> None:
    """Writes `000000_NAME.png` and so on; mixed classes have no name."""
    images = itertools.chain.from_iterable(batches)
    for index, (image, label) in enumerate(zip(images, labels)):
        name = names[label] if names and labels.ndim == 1 else ""
        safe = re.sub(r"[^\w-]+", "_", name)
        file = f"{index:06d}_{safe}".rstrip("_") + ".png"
        sheets.write_png(str(directory / file), image)


def cli() -> None:
    """Runs this command: what `sagan-sample` calls."""
    command.run(main)


if __name__ == "__main__":
    cli()
