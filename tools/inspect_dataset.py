"""Says what a folder of images holds, before anything is trained on it.

    python -m tools.inspect_dataset DIR

prints classes, kinds, channels, sizes, duplicates, what is left out and why,
draws a sheet, and ends with the lines that train on it, one for an accelerator
and one for a CPU. Nothing is written but the sheet, and a note of which images
can be read.
"""

from __future__ import annotations

import collections
import hashlib
import os
import shlex
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterable, NamedTuple

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import numpy as np
from absl import flags
from PIL import Image

from sagan_tf.configuration.default import get_config
from sagan_tf.configuration.validation import validate
from sagan_tf.data import ImageDataset, decoding, open_dataset
from sagan_tf.data.channels import to_channels
from sagan_tf.data.findings import UNEVEN
from sagan_tf.data.formats.folder import Folder
from sagan_tf.data.listing import in_words
from sagan_tf.errors import printable
from sagan_tf.training import first_look
from sagan_tf.user_cache import local_copy
from sagan_tf.visualization import sheets

_PATH = command.define_path("path", None, "The folder, .zip or .tar.")
_OUTPUT = command.define_path("output", "real.png", "PATH.png of the sheet.")
_LABEL_KEY = flags.DEFINE_string(
    "label_key", "", "Column of a metadata.csv or .jsonl that holds the labels."
)
_LISTED = 5
# Sizes that are proposed; others fit as well.
_SIZES = (32, 64, 128, 256, 512)
# A configuration of minutes on a CPU, its size, and rates at which real images
# of a class do not become alike.
_ON_CPU, _SIZE_ON_CPU = "twins32", 32
_RATES = {
    "optimizer.generator_learning_rate": 2e-4,
    "optimizer.discriminator_learning_rate": 8e-4,
}


class File(NamedTuple):
    """What one file is; `error` says why it is none of an image.

    Its `channels` are those that it needs: 1 if it is grey, 4 if anything in it
    is transparent.
    """

    name: str
    kind: str = ""
    mode: str = ""
    size: tuple[int, int] = (0, 0)
    channels: int = 3
    digest: bytes = b""
    error: str = ""


def main(argv: list[str]) -> None:
    """Looks at every file, and says what is there."""
    del argv
    folder = Folder(local_copy(_PATH.value), _LABEL_KEY.value)
    files = look_at_all(folder)
    fields = propose(folder, files)
    dataset = _open(fields)
    findings, found = first_look.look(dataset)
    sheets.write_png(_OUTPUT.value, first_look.sheet(dataset, findings))
    lines = [*describe(folder, files), found, f"{'sheet':<16}{_OUTPUT.value}"]
    sys.stdout.write("\n".join([*lines, "", *training_lines(fields)]) + "\n")


def look_at_all(folder: Folder) -> list[File]:
    """Returns what each file is, decoded to find out whether it is whole."""

    def look(index: int) -> File:
        name = printable(folder.origin(index))
        try:
            data = folder.encoded(index)
            kind, mode, size = decoding.describe(data)
            channels = needed_channels(
                to_channels(decoding.decode(data), channels=4)
            )
        except decoding.UnreadableError as error:
            return File(name, error=printable(str(error)))
        digest = hashlib.sha256(data).digest()
        return File(name, kind, mode, size, channels, digest)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(look, range(folder.count)))


def needed_channels(image: Image.Image) -> int:
    """Returns how many channels an RGBA image makes use of."""
    red, green, blue, alpha = (np.asarray(band) for band in image.split())
    if alpha.min() < 255:
        return 4
    is_grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return 1 if is_grey else 3


def channels_of_all(needed: list[int]) -> int:
    """Returns how many channels suit images that need so many each."""
    # Transparency in a few of many is laid on the background.
    if needed.count(4) > len(needed) / 2:
        return 4
    return min(max(needed, default=3), 3)


def describe(folder: Folder, files: list[File]) -> list[str]:
    """Returns what there is, in lines."""
    whole = [file for file in files if not file.error]
    broken = [f"{f.name} ({f.error})" for f in files if f.error]
    twice = _duplicates(whole)
    facts = {
        "kinds": _counted(file.kind for file in whole),
        "channels": _counted(file.mode for file in whole),
        "sizes": _counted("x".join(map(str, file.size)) for file in whole),
        "duplicates": _listed(f"{two} is {one}" for two, one in twice),
        "left out": in_words(folder.left_out) or "none",
        "unreadable": _listed(broken),
    }
    return [f"{name:<16}{fact}" for name, fact in facts.items()]


def _counted(words: Iterable[str]) -> str:
    counts = collections.Counter(words)
    text = in_words(collections.Counter(dict(counts.most_common(_LISTED))))
    more = len(counts) - _LISTED
    return text + (f" and {more} others" if more > 0 else "")


def _listed(words: Iterable[str]) -> str:
    words = sorted(words)
    dots = ", ..." if words[_LISTED:] else ""
    listed = ", ".join(words[:_LISTED])
    return f"{len(words)}: {listed}{dots}" if words else "none"


def _duplicates(files: list[File]) -> list[tuple[str, str]]:
    """Returns names of files, and of others that hold the same bytes."""
    first: dict[bytes, str] = {}
    pairs = [
        (file.name, first.setdefault(file.digest, file.name))
        for file in sorted(files)
    ]
    return [(two, one) for two, one in pairs if two != one]


def propose(folder: Folder, files: list[File]) -> dict[str, Any]:
    """Returns fields of `dataset` that fit, where they are not the default."""
    shorter = [min(file.size) for file in files if not file.error]
    # A few small ones are enlarged rather than all others made small.
    usual = np.percentile(shorter, 10) if shorter else 0
    size = max([s for s in _SIZES if s <= usual] or _SIZES[:1])
    counts = np.bincount(folder.labels)
    is_small = any(side < size for side in shorter)
    uneven = counts.max() >= UNEVEN * counts[counts > 0].min()
    needed = [file.channels for file in files if not file.error]
    classes = len(folder.class_names) if len(folder.class_names) > 1 else 0
    proposed = {
        "name": "folder",
        "path": _PATH.value,
        "label_key": _LABEL_KEY.value,
        "image_size": size,
        "num_classes": classes,
        "channels": channels_of_all(needed),
        "on_small": "enlarge" if is_small else "refuse",
        "on_unreadable": "skip" if any(f.error for f in files) else "refuse",
        "balance": bool(classes and uneven),
    }
    config = get_config()
    usual_fields = config.dataset.to_dict()
    config.dataset.update(proposed)
    validate(config)
    always = ("image_size", "num_classes")
    return {
        key: value
        for key, value in proposed.items()
        if key in always or value != usual_fields[key]
    }


def _open(fields: dict[str, Any]) -> ImageDataset:
    options = {key: fields[key] for key in fields if key != "balance"}
    return open_dataset(**options, cache="none")


def training_lines(fields: dict[str, Any]) -> list[str]:
    """Returns the commands that train on the images, for a shell."""
    data = {f"dataset.{key}": value for key, value in fields.items()}
    small = {**data, "dataset.image_size": _SIZE_ON_CPU, **_RATES}
    return [
        "# on a GPU or TPU",
        _command("default", data),
        "# on a CPU: shapes and colours in minutes",
        _command(_ON_CPU, small),
    ]


def _command(config: str, fields: dict[str, Any]) -> str:
    words = [
        f"--config.{name}={shlex.quote(str(value))}"
        for name, value in fields.items()
    ]
    start = f"python -m sagan_tf.train --config={config} --workdir=runs/mine"
    return " ".join([start, *words])


if __name__ == "__main__":
    command.run(main, required_flags=("path",), positional="path")
