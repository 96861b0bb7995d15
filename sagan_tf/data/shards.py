"""Our own prepared records, as `tools.prepare_dataset` writes them.

A directory holds `index.json` (settings, classes, files with their checksums),
`index.npy` (a row for each picture) and files of TFRecords, whose Examples have
`image` (an encoded square picture), `label` and `source` (where it came from).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from typing import Any

import numpy as np

from sagan_tf.data import examples, pictures, record_format
from sagan_tf.data.readers import Example, Reader, existing
from sagan_tf.errors import UserError

FORMAT = "sagan_tf shards 1"
INDEX, ROWS = "index.json", "index.npy"
# Where the record and, within it, the encoded picture are.
ROW = np.dtype(
    [
        ("shard", "<i4"),
        ("offset", "<i8"),
        ("length", "<i4"),
        ("image_offset", "<i8"),
        ("image_length", "<i4"),
        ("label", "<i4"),
    ]
)
_BLOCK = 2**20


@dataclasses.dataclass(frozen=True)
class Shard:
    """One file.

    Attributes:
        file: its name.
        num_examples: pictures in it.
        num_bytes: its size.
        sha256: its checksum.
    """

    file: str
    num_examples: int
    num_bytes: int
    sha256: str


class ShardsReader(Reader):
    """Prepared shards.

    Args:
        path: their directory.
        num_classes: not looked at; `readers.check_classes` compares.

    Raises:
        UserError: if the preparation did not end, or a file is missing or has
            another size.
    """

    def __init__(self, *, path: str, num_classes: int | None = None) -> None:
        del num_classes
        path = existing(path, "shards", "folder")
        index = _read_index(path)
        try:
            self.shards = [Shard(**each) for each in index["shards"]]
            self._digest, self.settings = (
                index["rows_sha256"],
                index["settings"],
            )
            class_names = index["class_names"]
        except (KeyError, TypeError) as error:
            raise _broken(path, f"it lacks {error}") from error
        for shard in self.shards:
            _check_size(os.path.join(path, shard.file), shard.num_bytes)
        self.rows = _read_rows(path, self._digest)
        super().__init__(
            name="shards",
            root=path,
            class_names=class_names,
            labels=self.rows["label"].astype(np.int32),
            shard_sizes=[shard.num_examples for shard in self.shards],
        )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.rows)

    def identity(self) -> str:
        """Return a digest of the rows and of the shards' checksums."""
        words = self._digest + "".join(shard.sha256 for shard in self.shards)
        return f"shards {hashlib.sha256(words.encode()).hexdigest()[:12]}"

    def file(self, index: int) -> str:
        """Return the file that a picture is in."""
        name = self.shards[self.rows["shard"][index]].file
        return os.path.join(self.root, name)

    def source(self, index: int) -> str:
        """Return where the picture came from."""
        row = self.rows[index]
        data = record_format.read_record(
            self.file(index), int(row["offset"]), int(row["length"])
        )
        return examples.decode(data)["source"][0].decode()

    def where(self, index: int) -> str:
        """Return the file and the number of the record in it."""
        shard = self.rows["shard"][index]
        first = np.searchsorted(self.rows["shard"], shard)
        return f"{self.file(index)}: record {index - first}"

    def read(self, index: int) -> Example:
        """Return a picture."""
        row = self.rows[index]
        try:
            encoded = record_format.read_record(
                self.file(index),
                int(row["image_offset"]),
                int(row["image_length"]),
            )
        except (record_format.BrokenRecordError, OSError) as error:
            raise pictures.UnreadableError(str(error)) from error
        label = self._checked_label(index, int(row["label"]))
        return Example(pictures.decode(encoded), label)

    def verify(self) -> None:
        """Compare every file with its checksum.

        Raises:
            UserError: if one has changed.
        """
        for shard in self.shards:
            path = os.path.join(self.root, shard.file)
            if sha256(path) != shard.sha256:
                raise UserError(
                    f"{path} has changed: its checksum is not that of {INDEX}."
                )


def sha256(path: str) -> str:
    """Return the checksum of a file."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _read_index(path: str) -> dict[str, Any]:
    file = os.path.join(path, INDEX)
    if not os.path.isfile(file):
        raise UserError(
            f"{path} should hold prepared shards: there is no {INDEX}; run "
            "tools.prepare_dataset to its end."
        )
    try:
        with open(file, encoding="utf-8") as stream:
            index = json.load(stream)
        found = index.get("format")
    except (ValueError, AttributeError) as error:
        raise _broken(path, "it is no JSON object") from error
    if found != FORMAT:
        raise _broken(path, f"its format is {found!r}, not {FORMAT!r}")
    return index


def _read_rows(path: str, digest: str) -> np.ndarray:
    file = os.path.join(path, ROWS)
    if not os.path.isfile(file) or sha256(file) != digest:
        raise UserError(
            f"{file} is missing or has changed: prepare the shards again."
        )
    return np.load(file, allow_pickle=False)


def _check_size(file: str, expected: int) -> None:
    found = os.path.getsize(file) if os.path.isfile(file) else None
    if found != expected:
        size = "none" if found is None else f"one of {found} bytes"
        raise UserError(
            f"{file} should be a file of {expected} bytes: there is {size}."
        )


def _broken(path: str, reason: str) -> UserError:
    return UserError(
        f"{os.path.join(path, INDEX)} cannot be used: {reason}; prepare the "
        "shards again."
    )
