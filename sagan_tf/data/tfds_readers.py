"""Pictures of TensorFlow Datasets by number, without TensorFlow."""

from __future__ import annotations

from typing import Any, NamedTuple, Sequence

from sagan_tf.data import pictures
from sagan_tf.data.readers import Example, Reader
from sagan_tf.data.record_sets import RecordSet, single


class Keys(NamedTuple):
    """The features that hold the picture and the label, and the classes."""

    image: str
    label: str
    class_names: tuple[str, ...]


class RecordsReader(Reader):
    """The prepared TFRecords of a split."""

    def __init__(
        self, records: RecordSet, keys: Keys, words: str, root: Any
    ) -> None:
        self._records, self._keys, self._words = records, keys, words
        super().__init__(
            name="tfds",
            root=root,
            class_names=keys.class_names,
            shard_sizes=records.shard_sizes,
        )

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._records)

    def identity(self) -> str:
        """Return the data set, its version and split, and its size."""
        return f"{self._words}, {len(self)} records"

    def source(self, index: int) -> str:
        """Return a short name of a picture."""
        return self._records.source(index)

    def where(self, index: int) -> str:
        """Return where a picture is, for an error."""
        return self._records.where(index)

    def read(self, index: int) -> Example:
        """Return a picture."""
        features = self._records.read(index)
        label = 0
        if self.class_names:
            label = single(features, self._keys.label, int)
            label = self._checked_label(index, label)
        encoded = single(features, self._keys.image, bytes)
        return Example(pictures.decode(encoded), label)


class HeldReader(Reader):
    """Encoded pictures that a builder gave, held in memory."""

    def __init__(
        self,
        examples: Sequence[tuple[bytes, int]],
        keys: Keys,
        words: str,
        root: Any,
    ) -> None:
        self._examples, self._words = examples, words
        super().__init__(name="tfds", root=root, class_names=keys.class_names)

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self._examples)

    def identity(self) -> str:
        """Return the data set, its version and split, and its size."""
        return f"{self._words}, {sum(len(e) for e, _ in self._examples)} bytes"

    def source(self, index: int) -> str:
        """Return a short name of a picture."""
        return f"{self._words}: example {index}"

    def where(self, index: int) -> str:
        """Return where a picture is, for an error."""
        return self.source(index)

    def read(self, index: int) -> Example:
        """Return a picture."""
        encoded, label = self._examples[index]
        label = self._checked_label(index, label)
        return Example(pictures.decode(encoded), label)
