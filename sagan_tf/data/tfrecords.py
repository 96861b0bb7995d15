"""TFRecords of `tf.train.Example` by number, over several files.

A record is its length (8 bytes, little endian), a checksum of these, the data
and a checksum of the data. Walking over the lengths finds them all.
"""

from __future__ import annotations

import itertools
import os
from typing import Any, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.data.decoding import UnreadableError, read_at, read_bytes
from sagan_tf.data.importer import Importer, spread
from sagan_tf.errors import UserError, one_line

_HEADER, _FOOTER = 12, 4


class TFRecords:
    """Records of several files, numbered one file after the other.

    Args:
        paths: the files.
        parts: which records of each file are taken; all by default.

    Raises:
        UserError: if a file is cut, or holds no records.
    """

    def __init__(
        self, paths: Sequence[str], parts: Sequence[slice] = ()
    ) -> None:
        self.paths = list(paths)
        parts = parts or itertools.repeat(slice(None))
        found = [_find(path)[:, part] for path, part in zip(paths, parts)]
        self.shard_sizes = tuple(each.shape[1] for each in found)
        self._files = np.repeat(np.arange(len(found)), self.shard_sizes)
        self._numbers, self._offsets, self._lengths = np.concatenate(found, 1)

    def __len__(self) -> int:
        """Returns the number of records."""
        return len(self._offsets)

    @property
    def num_bytes(self) -> int:
        """Bytes of all data."""
        return int(self._lengths.sum())

    def where(self, index: int) -> str:
        """Returns the file and the number of the record in it."""
        return f"{self._place(index)[0]}: record {self._numbers[index]}"

    def origin(self, index: int) -> str:
        """Returns the same without the folder."""
        return self.where(index).rpartition(os.sep)[2]

    def _place(self, index: int) -> tuple[str, int, int]:
        place = int(self._offsets[index]), int(self._lengths[index])
        return self.paths[self._files[index]], *place

    def checksums(self, count: int) -> bytes:
        """Returns the stored checksums of so many records, from all over.

        Raises:
            UserError: if a file cannot be read.
        """
        found = []
        for index in spread(len(self), count):
            path, offset, length = self._place(index)
            try:
                found.append(read_bytes(path, offset + length, _FOOTER))
            except UnreadableError as error:
                raise UserError(f"{path} cannot be read: {error}") from error
        return b"".join(found)

    def read(self, index: int, check: bool = False) -> dict[str, Sequence]:
        """Returns the features of a record, a sequence of values each.

        Raises:
            UnreadableError: if it cannot be read, or with `check` does not fit
                its checksum.
        """
        path, offset, length = self._place(index)
        if check:
            try:
                return parse(_checked(path, offset - _HEADER).numpy())
            except tf.errors.DataLossError as error:
                reason = "the checksum does not fit the data"
                raise UnreadableError(reason) from error
            except tf.errors.OpError as error:
                raise UnreadableError(one_line(error)) from error
        return parse(read_bytes(path, offset, length))


def _find(path: str) -> np.ndarray:
    """Returns number, offset and length of each record's data, as rows."""
    size, position, found = os.path.getsize(path), 0, []
    with open(path, "rb", buffering=0) as file:
        while position < size:
            length = int.from_bytes(
                read_at(file.fileno(), position, 8), "little"
            )
            end = position + _HEADER + length + _FOOTER
            if end > size:
                raise UserError(
                    f"{path} cannot be used: record {len(found)} is cut or no "
                    f"TFRecord: {end} bytes expected, the file has {size}"
                )
            found.append((len(found), position + _HEADER, length))
            position = end
    return np.array(found, np.int64).reshape(-1, 3).T


@tf.function(
    input_signature=[
        tf.TensorSpec((), tf.string),
        tf.TensorSpec((), tf.int64),
    ]
)
def _checked(path: tf.Tensor, start: tf.Tensor) -> tf.Tensor:
    """Returns the data of one record, compared with their checksum."""
    records = tf.raw_ops.TFRecordDatasetV2(
        filenames=[path],
        compression_type="",
        buffer_size=0,
        byte_offsets=[start],
    )
    strings = tf.TensorSpec((), tf.string)
    dataset = tf.data.experimental.from_variant(records, strings)
    return dataset.take(1).get_single_element()


class RecordImporter(Importer):
    """Images in `TFRecords`, or in something else that looks like it."""

    def __init__(
        self, name: str, root: str, records: Any, class_names: Sequence[str]
    ) -> None:
        self._records = records
        sizes = records.shard_sizes
        super().__init__(
            name, root, len(records), class_names, shard_sizes=sizes
        )

    def stored_in(self) -> Sequence[str]:
        """Returns the files, if there are some."""
        return getattr(self._records, "paths", ())

    def origin(self, index: int) -> str:
        """Returns the file's name and the number of the record in it."""
        return self._records.origin(index)

    def where(self, index: int) -> str:
        """Returns the file and the number of the record in it."""
        return self._records.where(index)


def parse(data: bytes) -> dict[str, Sequence]:
    """Returns the features of a serialized Example, a sequence of values each.

    Raises:
        UnreadableError: if the bytes are no Example.
    """
    try:
        features = tf.train.Example.FromString(data).features.feature
    # Its class is in a package of its own.
    except Exception as error:
        raise UnreadableError("it holds no tf.train.Example") from error
    kinds = {name: each.WhichOneof("kind") for name, each in features.items()}
    return {
        name: getattr(features[name], kind).value if kind else ()
        for name, kind in kinds.items()
    }


def single(features: dict[str, Sequence], key: str, kind: type) -> bytes | int:
    """Returns the one value, `bytes` or `int`, that a record has under a name.

    Raises:
        UnreadableError: if it has another number of values, or others.
    """
    values = features.get(key, ())
    if len(values) != 1 or not isinstance(values[0], kind):
        names = ", ".join(sorted(features)) or "nothing"
        what = "bytes" if kind is bytes else "an integer"
        raise UnreadableError(f"`{key}` should be {what}; it has {names}")
    return values[0]
