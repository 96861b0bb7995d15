"""All that scores need of a set of pictures, gathered in one pass."""

from __future__ import annotations

import os
import sys
from typing import Mapping

import numpy as np

from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.moments import Moments
from sagan_tf.evaluation.scores import ClassScore

# Features kept for the scores that need them all: KID, precision and recall.
KEPT_FEATURES = 10_000
# Covariances of all classes may take so many bytes.
_CLASS_BYTES = 2**29
# So may all features of a set, on a machine of 12 GB or more: for a moment
# TF-GAN's FID takes twelve times as much (measured), which is half of that.
_HELD_BYTES = min(
    2**29, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 24
)


def can_hold(count: int, length: int) -> bool:
    """Returns whether there is memory for so many float32 vectors.

    It is half a gigabyte, or less on a small machine.
    """
    return 4 * count * length <= _HELD_BYTES


class Statistics:
    """Moments, class scores and some features of a set of pictures.

    Parts that were gathered apart merge. With the first 10,000 features alone
    the memory it takes does not grow with the number of pictures: 0.2 GB with
    Inception's 2048 features.

    Args:
        num_logits: length of the logits.
        num_features: length of the features.
        num_classes: number of classes of the data; 0 without labels. Each
            class has moments of its own, unless they would take more than half
            a gigabyte.
        keep_features: whether to keep all features, not the first 10,000 only.
        keep_logits: whether to keep all logits.
    """

    def __init__(
        self,
        *,
        num_logits: int,
        num_features: int,
        num_classes: int = 0,
        keep_features: bool = False,
        keep_logits: bool = False,
    ) -> None:
        if num_classes * num_features**2 * 8 > _CLASS_BYTES:
            num_classes = 0
        self.moments = Moments(num_features)
        self.classes = [Moments(num_features) for _ in range(num_classes)]
        self.class_score = ClassScore(num_logits)
        self.hits = 0
        self._features = _Rows(
            num_features, sys.maxsize if keep_features else KEPT_FEATURES
        )
        self._logits = _Rows(num_logits, sys.maxsize if keep_logits else 0)

    @classmethod
    def of(
        cls, network: FeatureNetwork, num_classes: int = 0, **keep: bool
    ) -> Statistics:
        """Return empty statistics of what `network` sees."""
        return cls(
            num_logits=network.num_classes,
            num_features=network.num_features,
            num_classes=num_classes,
            **keep,
        )

    @property
    def count(self) -> int:
        """Number of pictures."""
        return self.moments.count

    @property
    def accuracy(self) -> float:
        """Share of pictures whose largest logit is at their label."""
        return self.hits / self.count if self.count else float("nan")

    def update(
        self, logits: np.ndarray, features: np.ndarray, labels: np.ndarray
    ) -> None:
        """Add pictures.

        Args:
            logits: `(batch, num_logits)`.
            features: `(batch, num_features)`.
            labels: `(batch,)`.
        """
        labels = np.asarray(labels)
        self.moments.update(features)
        self.class_score.update(logits)
        for label in np.unique(labels) if self.classes else ():
            self.classes[label].update(features[labels == label])
        self.hits += int(np.sum(np.argmax(logits, axis=1) == labels))
        self._features.add(features)
        self._logits.add(logits)

    def merge(self, other: Statistics) -> None:
        """Add all that `other` has gathered, as if it came after."""
        self.moments.merge(other.moments)
        self.class_score.merge(other.class_score)
        for ours, theirs in zip(self.classes, other.classes):
            ours.merge(theirs)
        self.hits += other.hits
        self._features.add(other._features.joined())
        self._logits.add(other._logits.joined())

    @property
    def features(self) -> np.ndarray:
        """The features of the first 10,000 pictures, float32."""
        return self._features.joined()[:KEPT_FEATURES]

    @property
    def all_features(self) -> np.ndarray | None:
        """Those of all pictures, where they are kept."""
        return self._features.joined(self.count)

    @property
    def all_logits(self) -> np.ndarray | None:
        """The logits of all pictures, float32, where they are kept."""
        return self._logits.joined(self.count)

    def state(self) -> dict[str, np.ndarray]:
        """Return all but the logits, for `from_state`: arrays by name."""
        state = {
            "features": self._features.joined(),
            "hits": np.int64(self.hits),
        }
        parts = {
            "moments": self.moments.state(),
            "class_score": self.class_score.state(),
            **{
                f"class{label}": moments.state()
                for label, moments in enumerate(self.classes)
            },
        }
        for part, values in parts.items():
            state.update({f"{part}.{key}": values[key] for key in values})
        state["num_classes"] = np.int64(len(self.classes))
        return state

    @classmethod
    def from_state(
        cls, state: Mapping[str, np.ndarray], keep_features: bool = False
    ) -> Statistics:
        """Return the statistics that `state` came from."""

        def part(name: str) -> dict[str, np.ndarray]:
            start = f"{name}."
            keys = [key for key in state if key.startswith(start)]
            return {key[len(start) :]: state[key] for key in keys}

        score = ClassScore.from_state(part("class_score"))
        moments = Moments.from_state(part("moments"))
        statistics = cls(
            num_logits=len(score.probability),
            num_features=len(moments.mean),
            keep_features=keep_features,
        )
        statistics.moments, statistics.class_score = moments, score
        statistics.classes = [
            Moments.from_state(part(f"class{label}"))
            for label in range(int(state["num_classes"]))
        ]
        statistics.hits = int(state["hits"])
        statistics._features.add(state["features"])
        return statistics


class _Rows:
    """The first rows of many, which come in pieces."""

    def __init__(self, length: int, most: int) -> None:
        self._most = most
        self._count = 0
        self._pieces = [np.zeros((0, length), np.float32)]

    def add(self, rows: np.ndarray) -> None:
        rows = rows[: self._most - self._count]
        if len(rows):
            self._count += len(rows)
            self._pieces.append(np.array(rows, np.float32))

    def joined(self, count: int | None = None) -> np.ndarray | None:
        """Returns what is kept; nothing if that is not all of `count`."""
        if count not in (None, self._count):
            return None
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0]
