"""Numbered records over several files."""

from __future__ import annotations

import os
from typing import Sequence

import numpy as np

from sagan_tf.data import examples, record_format
from sagan_tf.data.pictures import UnreadableError
from sagan_tf.errors import UserError


class RecordSet:
    """Records of several files, numbered one file after the other.

    Args:
        paths: the files.
        skips: records left out at the start of each file; none by default.
        takes: records taken of each file, -1 for the rest; all by default.

    Raises:
        UserError: if a file is cut, or holds no records.
    """

    def __init__(
        self,
        paths: Sequence[str],
        skips: Sequence[int] = (),
        takes: Sequence[int] = (),
    ) -> None:
        self._paths = list(paths)
        self._skips = list(skips) or [0] * len(paths)
        found = [_find(path) for path in paths]
        for index, (skip, take) in enumerate(zip(skips, takes)):
            part = slice(skip, None if take < 0 else skip + take)
            found[index] = record_format.Records(
                *(a[part] for a in found[index])
            )
        self.shard_sizes = tuple(len(each.offsets) for each in found)
        self._ends = np.cumsum(self.shard_sizes)
        self._offsets = np.concatenate([each.offsets for each in found])
        self._lengths = np.concatenate([each.lengths for each in found])

    def __len__(self) -> int:
        """Return the number of records."""
        return len(self._offsets)

    @property
    def num_bytes(self) -> int:
        """Bytes of all data."""
        return int(self._lengths.sum())

    def _place(self, index: int) -> tuple[int, int]:
        file = int(np.searchsorted(self._ends, index, side="right"))
        before = self._ends[file] - self.shard_sizes[file]
        return file, int(index - before) + self._skips[file]

    def source(self, index: int) -> str:
        """Return the file's name and the number of the record in it."""
        file, number = self._place(index)
        return f"{os.path.basename(self._paths[file])}: record {number}"

    def where(self, index: int) -> str:
        """Return the file and the number of the record in it."""
        file, number = self._place(index)
        return f"{self._paths[file]}: record {number}"

    def checksums(self, count: int) -> bytes:
        """Return the stored checksums of some records, from all over.

        Args:
            count: most records that are looked at.

        Raises:
            UserError: if a file cannot be read.
        """
        some = np.linspace(0, len(self) - 1, min(len(self), count)).astype(int)
        return b"".join(self._checksum(int(index)) for index in some)

    def _checksum(self, index: int) -> bytes:
        path = self._paths[self._place(index)[0]]
        place = int(self._offsets[index]), int(self._lengths[index])
        try:
            return record_format.read_checksum(path, *place)
        except OSError as error:
            raise UserError(f"{path} cannot be read: {error}.") from error

    def read(self, index: int, check: bool = False) -> dict[str, list]:
        """Return the features of a record.

        Args:
            index: its number.
            check: whether to compare it with its checksum.

        Raises:
            UnreadableError: if it cannot be read.
        """
        path = self._paths[self._place(index)[0]]
        place = int(self._offsets[index]), int(self._lengths[index])
        try:
            data = record_format.read_record(path, *place, check=check)
            return examples.decode(data)
        except (
            record_format.BrokenRecordError,
            examples.BrokenExampleError,
            OSError,
        ) as error:
            raise UnreadableError(str(error)) from error


def _find(path: str) -> record_format.Records:
    try:
        return record_format.find_records(path)
    except record_format.BrokenRecordError as error:
        raise UserError(f"{path} cannot be used: {error}.") from error


def single(features: dict[str, list], key: str, kind: type) -> bytes | int:
    """Return the one value that a record has under a name.

    Args:
        features: a record.
        key: the name.
        kind: `bytes` or `int`.

    Raises:
        UnreadableError: if it has another number of values, or others.
    """
    values = features.get(key, [])
    if len(values) != 1 or not isinstance(values[0], kind):
        names = ", ".join(sorted(features)) or "nothing"
        what = "bytes" if kind is bytes else "an integer"
        raise UnreadableError(f"`{key}` should be {what}; it has {names}")
    return values[0]
