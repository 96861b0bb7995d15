"""One shard, and the index of all: what is written, and how."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from typing import Any, Iterable, Iterator

import numpy as np
from PIL import Image, PngImagePlugin

from sagan_tf import storage
from sagan_tf.data.formats.shards import (
    FORMAT,
    INDEX,
    ORIGIN,
    ROW,
    ROWS,
    array_record,
    sha256,
)
from sagan_tf.errors import UserError, one_line
from sagan_tf.whole_files import replacing

# One record a chunk, so that each is read alone; a PNG is compressed already.
_OPTIONS = "group_size:1,uncompressed"
# How ArrayRecord lays out a file: a header at each multiple of the block.
BLOCK, BLOCK_HEADER = 2**16, 24
_PNG_START, _PNG_END = b"\x89PNG\r\n\x1a\n", b"IEND\xae\x42\x60\x82"


def encode(pixels: np.ndarray, origin: str) -> bytes:
    """Returns a PNG that says in a text chunk where it came from."""
    text = PngImagePlugin.PngInfo()
    # Names of files may be in no encoding.
    safe = origin.encode("utf-8", "backslashreplace").decode()
    text.add_itxt(ORIGIN, safe)
    file = io.BytesIO()
    if pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    Image.fromarray(pixels).save(file, "PNG", pnginfo=text)
    return file.getvalue()


def write_shard(
    path: str | os.PathLike[str], images: Iterable[tuple[bytes, int]]
) -> dict[str, Any]:
    """Writes PNGs and labels to a file, which appears when it is whole.

    Returns:
        What the index needs to know of it, as JSON holds it.

    Raises:
        OSError: if the file cannot be written.
    """
    labels = []
    with replacing(path) as aside:
        with _disk_errors():
            writer = array_record().ArrayRecordWriter(str(aside), _OPTIONS)
        for png, label in images:
            with _disk_errors():
                writer.write(png)
            labels.append(label)
        with _disk_errors():
            writer.close()
        with aside.open("rb+") as file:
            os.fsync(file.fileno())
        return {
            "num_examples": len(labels),
            "num_bytes": aside.stat().st_size,
            "sha256": sha256(str(aside)),
            "labels": labels,
            "places": _places(aside, len(labels)),
        }


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    """Makes an OSError of what the library raises where a disk is full."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(one_line(error)) from error


def _places(path: Path, count: int) -> list[tuple[int, int]]:
    """Returns offset and length of each PNG, block headers left out.

    With that TensorFlow alone can read them: `sagan_tf.data.service`.
    """
    data = path.read_bytes()
    data = b"".join(
        data[start + BLOCK_HEADER : start + BLOCK]
        for start in range(0, len(data), BLOCK)
    )
    found, end = [], 0
    for _ in range(count):
        start = data.index(_PNG_START, end)
        end = data.index(_PNG_END, start) + len(_PNG_END)
        found.append((start, end - start))
    return found


def write_index(
    folder: storage.AnyPath, settings: dict[str, Any], entries: dict[str, Any]
) -> None:
    """Joins what `write_shard` returned; the directory can then be read.

    Raises:
        UserError: if no image could be used.
    """
    rows = [
        (number, *place, label)
        for number, entry in enumerate(entries.values())
        for place, label in zip(entry["places"], entry["labels"])
    ]
    if not rows:
        raise UserError("no image could be used: see the warnings")
    rows = np.array(rows, ROW)
    with replacing(folder / ROWS) as aside, aside.open("wb") as file:
        np.save(file, rows)
        file.flush()
        digest = sha256(str(aside))
    names = settings["class_names"]
    counts = np.bincount(rows["label"], minlength=len(names))
    kept = ("num_examples", "num_bytes", "sha256")
    index = {
        "format": FORMAT,
        "settings": settings,
        "num_examples": len(rows),
        "class_names": names,
        "class_counts": counts.tolist(),
        "rows_sha256": digest,
        "shards": [
            {"file": file, **{key: entry[key] for key in kept}}
            for file, entry in entries.items()
        ],
    }
    write_json(folder / INDEX, index)


def write_json(path: storage.AnyPath, content: Any) -> None:
    """Writes a file that appears when it is whole."""
    with replacing(path) as aside:
        aside.write_text(json.dumps(content), "utf-8")
