"""Prepared shards, as `sagan_tf.data.sharding` writes them.

A directory holds `index.json` (settings, classes, files with their checksums),
`index.npy` (a row for each image) and files of ArrayRecord, of which each
record is a PNG of one size with its origin in a text chunk. Files of the first
kind, TFRecords whose Examples have `image`, `label` and `source`, are read as
well.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
from typing import Any

import numpy as np
from PIL import Image

from sagan_tf import storage
from sagan_tf.data import decoding
from sagan_tf.data.importer import Importer, Sample, existing
from sagan_tf.errors import UserError, one_line
from sagan_tf.image_sizes import as_size

FORMAT, OLD_FORMAT = "sagan_tf shards 2", "sagan_tf shards 1"
INDEX, ROWS = "index.json", "index.npy"
# Where the encoded image is. Old rows have the same and more; their places are
# in the file, new ones in what it holds without the headers of its blocks.
ROW = np.dtype(
    [
        ("shard", "<i4"),
        ("image_offset", "<i8"),
        ("image_length", "<i4"),
        ("label", "<i4"),
    ]
)
# Key of the text chunk of a PNG.
ORIGIN = "Source"
# Below the 1,024 files that a process may open on many systems.
_OPEN_FILES = 768
_READ_BY_NUMBER = "readahead_buffer_size:0,max_parallelism:0"
_READ_BUFFER = 2**15


class Shards(Importer):
    """Prepared shards.

    Args:
        path: their directory.

    Raises:
        UserError: if the preparation did not end, or a file is missing or has
            another size.
    """

    def __init__(self, path: str) -> None:
        path = existing(path, "folder")
        index = read_index(path)
        if index is None:
            raise UserError(
                f"{path} should hold prepared shards: there is no {INDEX}; run "
                "tools.prepare_dataset to its end"
            )
        try:
            shards = index["shards"]
            files, self.file_sizes, self._checksums, counts = (
                [shard[key] for shard in shards]
                for key in ("file", "num_bytes", "sha256", "num_examples")
            )
            self._digest = index["rows_sha256"]
            framing = index["settings"]["framing"]
            self.image_size = as_size(framing["image_size"])
            self.channels = framing.get("channels", 3)
            class_names = index["class_names"]
        except (KeyError, TypeError) as error:
            raise _broken(path, f"it lacks {error}") from error
        self.is_old = index["format"] == OLD_FORMAT
        self.files = [os.path.join(path, file) for file in files]
        for file, expected in zip(self.files, self.file_sizes):
            _check_size(file, expected)
        self.rows = _read_rows(path, self._digest)
        self._starts = np.cumsum([0, *counts])
        labels = self.rows["label"].astype(np.int32)
        super().__init__(
            "shards", path, len(labels), class_names, labels, counts
        )

    def identity(self) -> str:
        """Returns a digest of the rows and of the shards' checksums."""
        words = self._digest + "".join(self._checksums)
        return f"shards {hashlib.sha256(words.encode()).hexdigest()[:12]}"

    def stored_in(self) -> list[str]:
        """Returns the shards."""
        return self.files

    def _place(self, index: int) -> tuple[str, int]:
        """Returns the file that an image is in, and its number there."""
        shard = int(self.rows["shard"][index])
        return self.files[shard], int(index - self._starts[shard])

    def where(self, index: int) -> str:
        """Returns the file and the number of the record in it."""
        file, number = self._place(index)
        return f"{file}: record {number}"

    def origin(self, index: int) -> str:
        """Returns where the image came from before it was prepared."""
        if self.is_old:
            from sagan_tf.data import tfrecords

            features = tfrecords.parse(self._old_bytes(index, ""))
            return features["source"][0].decode()
        with Image.open(io.BytesIO(_read_record(*self._place(index)))) as image:
            return image.info[ORIGIN]

    def _old_bytes(self, index: int, what: str) -> bytes:
        """Returns a record, or with `"image_"` the image in it."""
        offset, length = (
            int(self.rows[f"{what}{key}"][index])
            for key in ("offset", "length")
        )
        return decoding.read_bytes(self._place(index)[0], offset, length)

    def read(self, index: int) -> Sample:
        """Returns an image and its label."""
        if self.is_old:
            encoded = self._old_bytes(index, "image_")
        else:
            encoded = _read_record(*self._place(index))
        label = self.checked_label(index, int(self.labels[index]))
        return Sample(decoding.decode(encoded), label)

    def verify(self) -> None:
        """Compares every file with its checksum.

        Raises:
            UserError: if one has changed.
        """
        for file, expected in zip(self.files, self._checksums):
            if sha256(file) != expected:
                raise UserError(
                    f"{file} has changed: its checksum is not that of {INDEX}"
                )


def array_record() -> Any:
    """Returns the module that reads and writes the files.

    Raises:
        UserError: if it is not there, as on other systems than Linux.
    """
    try:
        from array_record.python import array_record_module
    except ImportError as error:
        raise UserError(
            "shards need the package array-record, which there is for Linux: "
            "set `cache` to memory or none"
        ) from error
    return array_record_module


@functools.lru_cache(maxsize=_OPEN_FILES)
def _reader(file: str) -> Any:
    return array_record().ArrayRecordReader(
        file, _READ_BY_NUMBER, file_reader_buffer_size=_READ_BUFFER
    )


def _read_record(file: str, number: int) -> bytes:
    """Returns a record, compared with its checksum."""
    try:
        return _reader(file).read([number])[0]
    except RuntimeError as error:
        raise decoding.UnreadableError(one_line(error)) from error


def sha256(path: str) -> str:
    """Returns the checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def read_index(path: storage.PathLike) -> dict[str, Any] | None:
    """Returns the index of finished shards, here or in a store.

    Returns:
        `None` if there is none.

    Raises:
        UserError: if there is something else under its name.
    """
    try:
        index = json.loads((storage.at(path) / INDEX).read_text("utf-8"))
        found = index.get("format")
    except FileNotFoundError:
        return None
    except (ValueError, AttributeError) as error:
        raise _broken(path, "it is no JSON object") from error
    if found not in (FORMAT, OLD_FORMAT):
        raise _broken(path, f"its format is {found!r}, not {FORMAT!r}")
    if not isinstance(index.get("settings"), dict):
        raise _broken(path, "it lacks settings")
    return index


def _read_rows(path: str, digest: str) -> np.ndarray:
    file = os.path.join(path, ROWS)
    if not os.path.isfile(file) or sha256(file) != digest:
        raise UserError(
            f"{file} is missing or has changed: prepare the shards again"
        )
    return np.load(file, allow_pickle=False)


def _check_size(file: str, expected: int) -> None:
    found = os.path.getsize(file) if os.path.isfile(file) else None
    if found != expected:
        size = "none" if found is None else f"one of {found} bytes"
        raise UserError(
            f"{file} should be a file of {expected} bytes: there is {size}"
        )


def _broken(path: storage.PathLike, reason: str) -> UserError:
    return UserError(
        f"{storage.at(path) / INDEX} cannot be used: {reason}; prepare the "
        "shards again in an empty directory"
    )
