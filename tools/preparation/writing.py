"""One shard: read, cut, encoded and written, wherever that happens."""

from __future__ import annotations

import hashlib
import io
import json
import os
from typing import Any, BinaryIO, Callable

import numpy as np
from PIL import Image

from sagan_tf.data import examples, record_format
from sagan_tf.data.pictures import TooSmallError, UnreadableError
from sagan_tf.data.readers import Reader
from sagan_tf.data.shards import ROW
from sagan_tf.errors import UserError
from sagan_tf.whole_files import replacing
from tools.preparation.plan import Plan, write_aside

# Pictures between two reports.
_REPORT_EVERY = 20


class _HashingFile:
    """A file that knows the checksum of what was written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append some bytes."""
        self._digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self.size

    def hexdigest(self) -> str:
        """Return the checksum so far."""
        return self._digest.hexdigest()


def write_shard(
    reader: Reader,
    plan: Plan,
    number: int,
    output: str,
    progress: str,
    report: Callable[[int], None],
) -> None:
    """Write a shard and then, beside it, what the index will say of it.

    Args:
        reader: reads the pictures.
        plan: what is to be done.
        number: which shard.
        output: directory of the shards.
        progress: directory of the entries.
        report: called with the number of pictures done since the last call.

    Raises:
        UserError: if a picture cannot be used; it says where.
    """
    path = os.path.join(output, plan.file(number))
    with replacing(path) as aside, aside.open("wb") as stream:
        file = _HashingFile(stream)
        rows, skipped = _write_pictures(file, reader, plan, number, report)
        stream.flush()
        os.fsync(stream.fileno())
    _write_entry(progress, number, rows, skipped, file)


def _write_pictures(
    file: _HashingFile,
    reader: Reader,
    plan: Plan,
    number: int,
    report: Callable[[int], None],
) -> tuple[list[tuple], list[str]]:
    """Append the pictures of a shard.

    Returns:
        Their rows, and why others were skipped.
    """
    rows, skipped, since = [], [], 0
    for index in map(int, plan.shard(number)):
        try:
            rows.append((number, *_write_picture(file, reader, plan, index)))
        except UnreadableError as error:
            skipped.append(_refused(reader, plan, index, error))
        since += 1
        if since == _REPORT_EVERY:
            report(since)
            since = 0
    report(since)
    return rows, skipped


def _write_picture(
    file: _HashingFile, reader: Reader, plan: Plan, index: int
) -> tuple[int, int, int, int, int]:
    """Append a picture; return the rest of its row."""
    image, label = reader.read(index)
    try:
        pixels = plan.framing(image)
    except TooSmallError as error:
        raise UserError(
            f"{reader.where(index)} is too small: {error}."
        ) from error
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    encoded = encoded.getvalue()
    label = label if plan.class_names else 0
    data = examples.encode(
        {
            "image": encoded,
            "label": label,
            "source": reader.source(index).encode(),
        }
    )
    start = record_format.write_record(file, data)
    inside = start + data.index(encoded)
    return start, len(data), inside, len(encoded), label


def _refused(
    reader: Reader, plan: Plan, index: int, error: UnreadableError
) -> str:
    reason = f"cannot read {reader.where(index)}: {error}"
    if plan.on_unreadable == "refuse":
        raise UserError(
            f"{reason}. Remove it, or set --on_unreadable=skip."
        ) from error
    return reason


def _write_entry(
    progress: str,
    number: int,
    rows: list[tuple],
    skipped: list[str],
    file: _HashingFile,
) -> None:
    """Say that a shard is done; the last thing that is written of it."""
    array = np.array(rows, ROW)
    write_aside(_rows_path(progress, number), array.tobytes())
    entry = {
        "num_examples": len(rows),
        "num_bytes": file.size,
        "sha256": file.hexdigest(),
        "skipped": skipped,
    }
    write_aside(_entry_path(progress, number), json.dumps(entry).encode())


def read_entry(progress: str, number: int) -> dict[str, Any] | None:
    """Return what the index says of a shard; `None` if it is not done."""
    path = _entry_path(progress, number)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def read_rows(progress: str, number: int) -> np.ndarray:
    """Return the rows of a shard that is done."""
    return np.fromfile(_rows_path(progress, number), ROW)


def _entry_path(progress: str, number: int) -> str:
    return os.path.join(progress, f"{number:05d}.json")


def _rows_path(progress: str, number: int) -> str:
    return os.path.join(progress, f"{number:05d}.rows")
