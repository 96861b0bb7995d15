"""Prepares images of any format as shards, once for all runs.

    python -m tools.prepare_dataset --dataset=folder --path=DIR \
        --image_size=128 --output=DIR

The shards depend on the images and on the flags alone, not on the number of
threads. Killed and started again it goes on with the shard where it stopped.
Train with `dataset.name=shards` and `dataset.path` as `--output`.
"""

from __future__ import annotations

import os
from typing import Any

from sagan_tf.cli import command

# ruff: isort: split
import numpy as np
from absl import flags

from sagan_tf import storage
from sagan_tf.data.formats import OPTIONS, open_importer
from sagan_tf.data.formats.shards import Shards, read_index
from sagan_tf.data.framing import FITS, RESIZES, Framing
from sagan_tf.data.importer import DrawnImages, checked_count, spread
from sagan_tf.data.sharding import SHARD_SIZE, Preparation, prepare
from sagan_tf.errors import UserError
from sagan_tf.image_sizes import as_size, words
from sagan_tf.user_cache import local_copy
from sagan_tf.visualization import sheets

_DATASET = flags.DEFINE_string(
    "dataset", "folder", "folder, tfds:NAME, improved_gan, hdf5 or shards."
)
_PATH = command.define_path("path", "", "File or directory of the images.")
_OUTPUT = command.define_path(
    "output", None, "Directory for the shards, or an address in a store."
)
_IMAGE_SIZE = flags.DEFINE_list(
    "image_size", "128", "Pixels: a number for squares, or HEIGHT,WIDTH."
)
_CHANNELS = flags.DEFINE_integer("channels", 3, "1 grey, 3 RGB, 4 RGBA.")
_FIT = flags.DEFINE_enum(
    "fit", "crop", list(FITS), "How an image of another form fits."
)
_BACKGROUND = flags.DEFINE_string(
    "background", "white", "Colour below what is transparent or padded."
)
_VALUE_RANGE = flags.DEFINE_list(
    "value_range", "", "LOW,HIGH: black and white of 16-bit or float images."
)
_CROP = flags.DEFINE_integer(
    "crop", 0, "Side of the middle square; 0 for the largest, as the release."
)
_RESIZE = flags.DEFINE_enum(
    "resize", "lanczos", list(RESIZES), "Filter; the release had bilinear."
)
_ON_SMALL = flags.DEFINE_enum(
    "on_small", "refuse", ["refuse", "enlarge"], "What a small image does."
)
_ON_UNREADABLE = flags.DEFINE_enum(
    "on_unreadable", "refuse", ["refuse", "skip"], "What a broken file does."
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", -1, "Number of classes; -1 as the data, 0 for none.", -1
)
_NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples", 0, "Only the first so many images; 0 for all.", 0
)
_SHARD_SIZE = flags.DEFINE_integer(
    "shard_size", SHARD_SIZE, "Images in a file.", 1
)
_THREADS = flags.DEFINE_integer(
    "threads", 0, "Images worked on at once; 0 for one on each core.", 0
)
flags.DEFINE_alias("processes", "threads")
_VERIFY = flags.DEFINE_bool(
    "verify", False, "Only compare --output with its checksums."
)
_DEFINE = {
    str: flags.DEFINE_string,
    int: flags.DEFINE_integer,
    bool: flags.DEFINE_bool,
}
_OPTIONS = {
    name: _DEFINE[type(option.default)](
        name, option.default, f"{option.doc[0].upper()}{option.doc[1:]}."
    )
    for name, option in OPTIONS.items()
}

SHEET = "sheet.png"
_SHEET_ROWS, _SHEET_COLUMNS = 10, 8
_SHEET_PIXELS = 64
_MOST_CLASSES_LISTED = 20


def main(argv: list[str]) -> None:
    """Prepares, or verifies."""
    del argv
    output = _OUTPUT.value
    if _VERIFY.value:
        Shards(local_copy(output)).verify()
        print(f"{output}: every shard is as it was written")
        return
    if not prepare(_preparation(), output, _THREADS.value):
        print(f"{output} is prepared already", flush=True)
    print(summary(output), flush=True)
    # Those in a store would have to come back for it.
    if not storage.is_stored(output):
        print(f"look at {write_sheet(output)}")


def _preparation() -> Preparation:
    num_classes = None if _NUM_CLASSES.value < 0 else _NUM_CLASSES.value
    importer = open_importer(
        _DATASET.value,
        path=_PATH.value,
        num_classes=num_classes,
        **{name: flag.value for name, flag in _OPTIONS.items()},
    )
    if isinstance(importer, DrawnImages):
        raise UserError(
            "--dataset should be in files. Received: "
            f"{importer.name}, which the program draws"
        )
    return Preparation(
        importer,
        _framing(),
        checked_count(
            importer.name, importer.count, _NUM_EXAMPLES.value or None
        ),
        _ON_UNREADABLE.value,
        _SHARD_SIZE.value,
        with_classes=num_classes != 0,
    )


def _framing() -> Framing:
    """Returns how images come to one size.

    Raises:
        UserError: if a flag makes no sense.
    """
    numbers = _numbers(_IMAGE_SIZE, int)
    size = as_size(numbers if numbers[1:] else sum(numbers))
    if size is None:
        raise UserError(
            "--image_size should be a positive number, or HEIGHT,WIDTH. "
            f"Received: {','.join(_IMAGE_SIZE.value)}"
        )
    return Framing(
        size,
        _CROP.value,
        _RESIZE.value,
        _ON_SMALL.value,
        _FIT.value,
        _CHANNELS.value,
        _BACKGROUND.value,
        _numbers(_VALUE_RANGE, float),
    ).checked()


def _numbers(flag: flags.FlagHolder, kind: type) -> tuple[float, ...]:
    try:
        return tuple(map(kind, flag.value))
    except ValueError as error:
        raise UserError(
            f"--{flag.name} should be numbers. Received: {','.join(flag.value)}"
        ) from error


def summary(output: str) -> str:
    """Returns what the shards hold, in some lines."""
    index = read_index(output)
    settings = index["settings"]
    size = words(as_size(settings["framing"]["image_size"]))
    sizes = np.array([shard["num_bytes"] for shard in index["shards"]]) / 2**20
    lines = [
        f"{index['num_examples']:,} images of {size} pixels in "
        f"{len(sizes)} shards of {sizes.min():.1f} to {sizes.max():.1f} MiB, "
        f"{sizes.sum():.1f} MiB together",
        _cut(settings["framing"]),
        f"from: {settings['source']}",
        *_classes(index["class_names"], np.array(index["class_counts"])),
    ]
    skipped = settings["num_examples"] - index["num_examples"]
    return "\n".join(lines + [f"skipped {skipped}"] * bool(skipped))


def _cut(framing: dict[str, Any]) -> str:
    square = "largest square in the middle"
    if framing["crop"]:
        square = f"middle {framing['crop']} square"
    others = "".join(
        f", {name} {framing[name]}"
        for name in ("fit", "channels", "background", "value_range")
        if name in framing
    )
    return (
        f"cut: the {square}, resized by Pillow's antialiasing "
        f"{framing['resize']}{others}"
    )


def _classes(names: list[str], counts: np.ndarray) -> list[str]:
    if not names:
        return ["no classes"]
    low, high = names[counts.argmin()], names[counts.argmax()]
    text = (
        f"{len(names)} classes: {counts.min():,} images ({low}) to "
        f"{counts.max():,} ({high}) in each"
    )
    if len(names) > _MOST_CLASSES_LISTED:
        return [text]
    return [text, *(f"  {c:>9,}  {n}" for c, n in zip(counts, names))]


def write_sheet(output: str) -> str:
    """Draws some images of some classes, to be looked at.

    Returns:
        The file.
    """
    shards = Shards(output)
    classes = np.unique(shards.labels)
    images, names = [], []
    for label in classes[spread(len(classes), _SHEET_ROWS)]:
        found = np.flatnonzero(shards.labels == label)[:_SHEET_COLUMNS]
        row = [np.asarray(shards.read(int(index)).image) for index in found]
        row = [pixels.reshape(*pixels.shape[:2], -1) for pixels in row]
        blank = np.full_like(row[0], 255)
        images += row + [blank] * (_SHEET_COLUMNS - len(row))
        name = shards.class_names[label] if shards.class_names else ""
        names.append(f"{label} {name}" if name else "images")
    grid = sheets.image_grid(
        np.stack(images),
        _SHEET_COLUMNS,
        row_labels=names,
        enlarge_to=_SHEET_PIXELS,
    )
    path = os.path.join(output, SHEET)
    sheets.write_png(path, grid)
    return path


if __name__ == "__main__":
    command.run(main, required_flags=("output",))
