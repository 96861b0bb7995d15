"""What a metric can need of a set of images: one entry each."""

from __future__ import annotations

import sys
from typing import Any, Callable, Mapping, NamedTuple

import numpy as np

from sagan_tf.evaluation.coherence import half_hues
from sagan_tf.evaluation.moments import ClassMoments, Moments
from sagan_tf.evaluation.scores import ClassScore

# Features kept for the scores that need them all: KID, precision and recall.
KEPT_FEATURES = 10_000


class Sizes(NamedTuple):
    """What parts are made for.

    Attributes:
        num_logits: length of the logits.
        num_features: length of the features.
        num_classes: number of classes of the data; 0 without labels.
        keep_features: whether to keep all features, not the first 10,000 only.
    """

    num_logits: int
    num_features: int
    num_classes: int = 0
    keep_features: bool = False


class Rows:
    """The first rows of many, which come in batches.

    Args:
        length: numbers in a row.
        most: how many rows are kept.
    """

    def __init__(self, length: int, most: int = sys.maxsize) -> None:
        self._most = most
        self._count = 0
        self._pieces = [np.zeros((0, length), np.float32)]

    def update(self, rows: np.ndarray) -> None:
        """Adds `(batch, length)` numbers, kept as float32."""
        rows = rows[: self._most - self._count]
        if len(rows):
            self._count += len(rows)
            self._pieces.append(np.array(rows, np.float32))

    def merge(self, other: Rows) -> None:
        """Adds the rows of `other` behind the others."""
        self.update(other.joined())

    def joined(self) -> np.ndarray:
        """Returns the rows that are kept."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `from_state` needs."""
        return {"rows": self.joined()}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Rows:
        """Returns the rows that `state` came from."""
        rows = cls(state["rows"].shape[1])
        rows.update(state["rows"])
        return rows


class Hits:
    """Number of images whose largest logit is at their label."""

    def __init__(self, count: int = 0) -> None:
        self.count = count

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Adds logits `(batch, num_logits)` and labels `(batch,)`."""
        self.count += int(np.sum(np.argmax(logits, axis=1) == labels))

    def merge(self, other: Hits) -> None:
        """Adds the hits of `other`."""
        self.count += other.count

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `from_state` needs."""
        return {"count": np.int64(self.count)}

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Hits:
        """Returns the hits that `state` came from."""
        return cls(int(state["count"]))


class Batch(NamedTuple):
    """Images, what a network sees in them, and their labels."""

    images: np.ndarray | None
    logits: np.ndarray
    features: np.ndarray
    labels: np.ndarray


class Part(NamedTuple):
    """What a metric can need of a set.

    Attributes:
        build: makes an empty one.
        select: what it is updated with, of a batch.
    """

    build: Callable[[Sizes], Any]
    select: Callable[[Batch], tuple]


PARTS = {
    "moments": Part(lambda s: Moments(s.num_features), lambda b: (b.features,)),
    "class_moments": Part(
        lambda s: ClassMoments(s.num_features, s.num_classes),
        lambda b: (b.features, b.labels),
    ),
    "class_score": Part(
        lambda s: ClassScore(s.num_logits), lambda b: (b.logits,)
    ),
    "hits": Part(lambda s: Hits(), lambda b: (b.logits, b.labels)),
    "features": Part(
        lambda s: Rows(
            s.num_features, sys.maxsize if s.keep_features else KEPT_FEATURES
        ),
        lambda b: (b.features,),
    ),
    "logits": Part(lambda s: Rows(s.num_logits), lambda b: (b.logits,)),
    "labels": Part(lambda s: Rows(1), lambda b: (b.labels[:, None],)),
    "hues": Part(lambda s: Rows(2), lambda b: (half_hues(b.images),)),
}
