"""All that scores need of a set of pictures, gathered in one pass."""

from __future__ import annotations

from typing import Mapping

import numpy as np

from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.moments import Moments
from sagan_tf.evaluation.scores import ClassScore

# Features kept for the scores that need them all: KID, precision and recall.
KEPT_FEATURES = 10_000
# Covariances of all classes may take so many bytes.
_CLASS_BYTES = 2**29


class Statistics:
    """Moments, class scores and some features of a set of pictures.

    Parts that were gathered apart merge. The memory it takes does not grow
    with the number of pictures: 0.2 GB with Inception's 2048 features.

    Args:
        num_logits: length of the logits.
        num_features: length of the features.
        num_classes: number of classes of the data; 0 without labels. Each
            class has moments of its own, unless they would take more than half
            a gigabyte.
    """

    def __init__(
        self, *, num_logits: int, num_features: int, num_classes: int = 0
    ) -> None:
        if num_classes * num_features**2 * 8 > _CLASS_BYTES:
            num_classes = 0
        self.moments = Moments(num_features)
        self.classes = [Moments(num_features) for _ in range(num_classes)]
        self.class_score = ClassScore(num_logits)
        self.hits = 0
        self.kept = np.zeros((0, num_features), np.float32)
        self._pieces: list[np.ndarray] = []

    @classmethod
    def of(cls, network: FeatureNetwork, num_classes: int = 0) -> Statistics:
        """Return empty statistics of what `network` sees."""
        return cls(
            num_logits=network.num_classes,
            num_features=network.num_features,
            num_classes=num_classes,
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
        self._keep(features)

    def merge(self, other: Statistics) -> None:
        """Add all that `other` has gathered, as if it came after."""
        self.moments.merge(other.moments)
        self.class_score.merge(other.class_score)
        for ours, theirs in zip(self.classes, other.classes):
            ours.merge(theirs)
        self.hits += other.hits
        self._keep(other.features)

    @property
    def features(self) -> np.ndarray:
        """The features of the first 10,000 pictures, float32."""
        if self._pieces:
            self.kept = np.concatenate([self.kept, *self._pieces])
            self._pieces = []
        return self.kept

    def state(self) -> dict[str, np.ndarray]:
        """Return all that `from_state` needs, as arrays by name."""
        state = {"features": self.features, "hits": np.int64(self.hits)}
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
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Statistics:
        """Return the statistics that `state` came from."""

        def part(name: str) -> dict[str, np.ndarray]:
            start = f"{name}."
            keys = [key for key in state if key.startswith(start)]
            return {key[len(start) :]: state[key] for key in keys}

        score = ClassScore.from_state(part("class_score"))
        moments = Moments.from_state(part("moments"))
        statistics = cls(
            num_logits=len(score.probability), num_features=len(moments.mean)
        )
        statistics.moments, statistics.class_score = moments, score
        statistics.classes = [
            Moments.from_state(part(f"class{label}"))
            for label in range(int(state["num_classes"]))
        ]
        statistics.hits = int(state["hits"])
        statistics.kept = np.array(state["features"])
        return statistics

    def _keep(self, features: np.ndarray) -> None:
        kept = len(self.kept) + sum(map(len, self._pieces))
        if kept < KEPT_FEATURES:
            piece = features[: KEPT_FEATURES - kept]
            self._pieces.append(np.array(piece, np.float32))
