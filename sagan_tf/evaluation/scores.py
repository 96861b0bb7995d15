"""Scores of features: how classifiable, how near, how good, how varied."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Sequence

import numpy as np

from sagan_tf.evaluation.moments import Moments, frechet_distance

# Neighbours of arXiv:1904.06991.
NEIGHBOURS = 3
# Rows of a distance matrix at a time: 1,000 x 10,000 float64 are 80 MB.
_ROWS = 1000


class ClassScore:
    """The Inception score of a stream of logits, in float64.

    `exp(mean KL(p(y|x) || p(y)))` over all images at once, as TF-GAN has it
    (Salimans et al., arXiv:1606.03498): only two sums are kept.

    Args:
        num_classes: length of the logits.
    """

    def __init__(self, num_classes: int) -> None:
        self.count = 0
        self.probability = np.zeros(num_classes)
        self.negative_entropy = 0.0

    def update(self, logits: np.ndarray) -> None:
        """Adds logits `(batch, num_classes)`."""
        logits = np.asarray(logits, np.float64)
        shifted = logits - logits.max(axis=1, keepdims=True)
        log = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        probability = np.exp(log)
        self.count += len(logits)
        self.probability += probability.sum(axis=0)
        self.negative_entropy += float((probability * log).sum())

    def merge(self, other: ClassScore) -> None:
        """Adds all that `other` has gathered."""
        self.count += other.count
        self.probability += other.probability
        self.negative_entropy += other.negative_entropy

    def result(self) -> float:
        """Returns the score, from 1 to `num_classes`.

        Raises:
            ValueError: if there are no logits.
        """
        if not self.count:
            raise ValueError("an Inception score needs an image. Received: 0.")
        mean = self.probability / self.count
        marginal = mean @ np.log(np.maximum(mean, np.finfo(float).tiny))
        return float(np.exp(self.negative_entropy / self.count - marginal))

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `from_state` needs."""
        return {
            "count": np.int64(self.count),
            "probability": self.probability,
            "negative_entropy": np.float64(self.negative_entropy),
        }

    @classmethod
    def from_state(cls, state: dict[str, np.ndarray]) -> ClassScore:
        """Returns the score that `state` came from."""
        score = cls(len(state["probability"]))
        score.count = int(state["count"])
        score.probability = np.array(state["probability"])
        score.negative_entropy = float(state["negative_entropy"])
        return score


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]."""

    precision: float
    recall: float


def precision_recall(
    real: np.ndarray, fake: np.ndarray, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Returns improved precision and recall (arXiv:1904.06991).

    Precision is the share of generated images that lie within reach of a
    real one, recall the share of real ones within reach of a generated one;
    the reach of an image is the distance to its third nearest like.

    Args:
        real: `(images, features)`.
        fake: the same of generated images; best as many.
        neighbours: which nearest neighbour bounds the reach.

    Raises:
        ValueError: if there are not more images than neighbours.
    """
    fewest = min(len(real), len(fake))
    if fewest <= neighbours:
        raise ValueError(
            f"precision and recall need more than {neighbours} images of "
            f"each kind. Received: {fewest}"
        )
    # Distances are differences of large numbers unless the mean is taken off.
    mean = np.mean(real, axis=0, dtype=np.float64)
    real, fake = real - mean, fake - mean
    return PrecisionRecall(
        _covered(fake, real, _reach(real, neighbours)),
        _covered(real, fake, _reach(fake, neighbours)),
    )


def _reach(features: np.ndarray, neighbours: int) -> np.ndarray:
    """Returns the squared distance to the k-th nearest other vector."""
    reach = [
        # A vector is its own nearest, at place 0.
        np.partition(distances, neighbours, axis=1)[:, neighbours]
        for distances in _distances(features, features)
    ]
    return np.concatenate(reach)


def _covered(
    queries: np.ndarray, centres: np.ndarray, reach: np.ndarray
) -> float:
    """Returns the share of queries within reach of a centre."""
    found = [
        (distances <= reach).any(axis=1)
        for distances in _distances(queries, centres)
    ]
    return float(np.concatenate(found).mean())


def _distances(rows: np.ndarray, columns: np.ndarray) -> Iterator[np.ndarray]:
    """Yields squared distances of some rows at a time to all columns."""
    squares = np.einsum("nd,nd->n", columns, columns)
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        lengths = np.einsum("nd,nd->n", part, part)[:, None]
        yield np.maximum(lengths + squares - 2 * (part @ columns.T), 0)


def intra_frechet_distance(
    real: Sequence[Moments], fake: Sequence[Moments]
) -> float:
    """Returns the mean over the classes of the Frechet distance within each.

    The intra-FID of Miyato and Koyama (arXiv:1802.05637).

    Args:
        real: moments of each class.
        fake: the same of generated images, in the same order.
    """
    pairs = zip(real, fake)
    return float(np.mean([frechet_distance(*pair) for pair in pairs]))


def class_variety(real: Sequence[Moments], fake: Sequence[Moments]) -> float:
    """Returns how varied the least varied class is, real images being 1.

    The total variance of the features of a class, generated by real; a class
    that shows one image only has 0.

    Args:
        real: moments of each class.
        fake: the same of generated images, in the same order.
    """
    ratios = [
        ours.variance / max(theirs.variance, np.finfo(float).tiny)
        for theirs, ours in zip(real, fake)
    ]
    return float(min(ratios))
