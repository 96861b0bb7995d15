"""Draws images: `python -m sagan_tf.sample --workdir=... --output=...`."""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import itertools
import re
from typing import Any, Iterator, Sequence

import numpy as np
from absl import flags

from sagan_tf import runs, storage
from sagan_tf.cli import drawing, run_flags
from sagan_tf.cli.drawing_request import Request
from sagan_tf.errors import UserError
from sagan_tf.exporting import ExportedGenerator
from sagan_tf.training import devices
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import arrangements, films, sheets
from sagan_tf.whole_files import write_npz

_WORKDIR, _PRETRAINED = run_flags.define()
_SAVED_MODEL = command.define_path(
    "saved_model", "", "Exported generator, in place of a run."
)
_OUTPUT = command.define_path(
    "output",
    None,
    "PATH.png for a sheet, PATH.gif, PATH.webp or PATH.mp4 for a film; else a "
    "directory for single files.",
)
_SHOW = flags.DEFINE_enum(
    "show",
    "samples",
    ["samples", "latents", "classes", "truncation", "film", "training"],
    "Samples; ways between latents or classes; a sweep of truncations; a film "
    "of a way through latents and classes, or of the sheets of the training.",
)
_WAY = flags.DEFINE_enum(
    "way", "spherical", ["spherical", "linear"], "How latents are connected."
)
_NUM_IMAGES = flags.DEFINE_integer(
    "num_images", None, "Images; ten of each class or 6 rows without it.", 1
)
_COLUMNS = flags.DEFINE_integer(
    "columns", 10, "Images in a row of a way or a sweep.", 2
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
    "seed", 0, "Seed of the first image; the others count on."
)
_LATENTS = command.define_path(
    "latents", "", "NPZ file with latents to draw, and their labels if any."
)
_SAVE_LATENTS = command.define_path(
    "save_latents", "", "PATH.npz to write the latents and labels to."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_EMA = flags.DEFINE_bool("ema", True, "Draw with the averaged generator.")
_SCALE = flags.DEFINE_integer(
    "scale", None, "Pixels per pixel of a sheet; by size without it.", 1
)
_WIDTH = flags.DEFINE_integer(
    "width", None, "Pixels that the sheets of a training are shrunk to.", 1
)

# Images a second, and pixels of a side that small ones are enlarged to.
_FILM_RATE, _TRAINING_RATE, _FILM_SIDE = 20.0, 4.0, 256
_AT_ONCE = 50
_NO_SHEET = (".bmp", ".gif", ".jpeg", ".jpg", ".mp4", ".npz", ".webp")


def main(argv: list[str]) -> None:
    """Draws as the flags say."""
    del argv
    devices.prepare()
    if _LIST_CLASSES.value:
        sys.stdout.write(_list_classes(_open_source()))
        return
    if not _OUTPUT.value:
        raise UserError("--output is required: PATH.png or a directory")
    output = storage.at(_OUTPUT.value)
    _check_output(output)
    if _SHOW.value == "training":
        _write_training(output)
        return
    _refuse((_WIDTH,), f"--show={_SHOW.value}")
    truncation = drawing.check_truncation(_TRUNCATION.value)
    source, title = _drawing(_open_source())
    names = source.class_names()
    arrangement = _arrange(source, names, truncation)
    batches = _draw(source, arrangement)
    if _SHOW.value == "film":
        _write_film(output, np.concatenate(list(batches)))
    elif output.suffix.lower() == ".png":
        images = np.concatenate(list(batches))
        _write_sheet(output, images, arrangement, title)
    else:
        _write_files(output, batches, arrangement.labels, names)
    if _SAVE_LATENTS.value:
        chosen = {"latents": arrangement.latents, "labels": arrangement.labels}
        write_npz(_SAVE_LATENTS.value, compressed=True, **chosen)
    count = len(arrangement.labels)
    sys.stdout.write(f"{output}: {count} images\n")


def _check_output(output: storage.AnyPath) -> None:
    if _SHOW.value in ("film", "training"):
        films.check_path(output, "--output", f" with --show={_SHOW.value}")
        return
    if output.suffix.lower() in _NO_SHEET:
        raise UserError(
            "--output should end in .png for a sheet, or be a directory for "
            f"single files. Received: {output}"
        )
    if output.suffix.lower() == ".png":
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
    chosen = run_flags.only_one(_WORKDIR, _PRETRAINED, _SAVED_MODEL)
    if chosen is _SAVED_MODEL:
        return ExportedGenerator(chosen.value)
    return runs.open_run(chosen.value, _CHECKPOINT.value)


def _list_classes(source: runs.Run | ExportedGenerator) -> str:
    names = source.class_names()
    lines = (f"{number} {name}\n" for number, name in enumerate(names))
    return "".join(lines) or "no classes\n"


def _drawing(source: runs.Run | ExportedGenerator) -> tuple[Any, str]:
    """Returns what draws, and which generator that is, in words."""
    if isinstance(source, runs.Run):
        return source.source(_EMA.value), _title(_EMA.value, source.step)
    card = source.card
    return source, _title(card.get("weights") == "ema", card.get("step"))


def _title(averaged: bool, step: int | None) -> str:
    what = "averaged generator" if averaged else "generator"
    return what if step is None else f"{what}, step {step:,}"


def _arrange(
    source: Any, names: tuple[str, ...], truncation: float
) -> arrangements.Arrangement:
    labels = drawing.choose_labels(_LABELS.value, source.num_classes, names)
    if _LATENTS.value:
        return _arrange_latents(source, names, labels)
    request = Request(
        _SHOW.value,
        labels,
        _NUM_IMAGES.value,
        _COLUMNS.value,
        _SEED.value,
        truncation,
        spherical=_WAY.value == "spherical",
        mixes=not _SAVED_MODEL.value,
    )
    return request.arrange(names, source.latent_dim)


def _arrange_latents(
    source: Any, names: tuple[str, ...], labels: list[int]
) -> arrangements.Arrangement:
    _refuse(
        (_SHOW, _NUM_IMAGES, _SEED, _TRUNCATION),
        "--latents, which are drawn as they are",
    )
    latents, chosen = drawing.read_latents(
        _LATENTS.value, source.latent_dim, source.num_classes, labels
    )
    if _SAVED_MODEL.value and chosen.ndim > 1:
        raise UserError(
            "--latents should have whole classes with --saved_model. Received: "
            "shares of them"
        )
    return arrangements.of_latents(latents, chosen, names)


def _refuse(unused: Sequence[flags.FlagHolder], beside: str) -> None:
    for flag in unused:
        if flag.present:
            raise UserError(f"--{flag.name} should not be given with {beside}")


def _draw(
    source: Any, arrangement: arrangements.Arrangement
) -> Iterator[np.ndarray]:
    """Yields images as bytes, a few at a time: there may be many."""
    for start in range(0, len(arrangement.labels), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        yield sheets.to_uint8(
            source.draw(arrangement.latents[part], arrangement.labels[part])
        )


def _write_sheet(
    path: storage.AnyPath,
    images: np.ndarray,
    arrangement: arrangements.Arrangement,
    title: str,
) -> None:
    sheet = sheets.image_grid(
        images,
        arrangement.columns,
        row_labels=arrangement.captions,
        enlarge_to=(_SCALE.value or 0) * images.shape[1] or 64,
        title=title,
    )
    sheets.write_png(str(path), sheet)


def _write_film(path: storage.AnyPath, images: np.ndarray) -> None:
    factor = _SCALE.value or sheets.enlargement(images.shape[1], _FILM_SIDE)
    large = images.repeat(factor, axis=1).repeat(factor, axis=2)
    films.write_film(path, large, _FILM_RATE)


def _write_training(path: storage.AnyPath) -> None:
    if not _WORKDIR.value:
        raise UserError(
            "--show=training needs --workdir, whose sheets it shows"
        )
    _refuse(
        (
            *(_LABELS, _NUM_IMAGES, _SEED, _TRUNCATION, _CHECKPOINT, _EMA),
            *(_LATENTS, _SAVE_LATENTS, _SCALE),
        ),
        "--show=training, which shows the sheets as they are",
    )
    frames = films.of_training(Workdir(_WORKDIR.value).samples, _WIDTH.value)
    films.write_film(path, frames, _TRAINING_RATE)
    sys.stdout.write(f"{path}: {len(frames)} sheets\n")


def _write_files(
    directory: storage.AnyPath,
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
