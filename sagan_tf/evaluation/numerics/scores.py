"""Scores of logits and features: how classifiable, how varied in classes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sagan_tf.evaluation.numerics.moments import Moments, Sums, frechet_distance
from sagan_tf.evaluation.numerics.rows import Rows

# Parts of the Inception score as Salimans et al. (arXiv:1606.03498) quote it.
SPLITS = 10
# Subsets of the kernel distance, and the seed that draws them, as in
# torch-fidelity.
_SUBSETS, _SUBSET_SIZE, _SUBSET_SEED = 100, 1000, 2020
# Logits that are in float64 at a time.
_ROWS = 1000


class Spread(NamedTuple):
    """A score of parts of the images: its mean, and its deviation."""

    mean: float
    deviation: float


class ClassScore(Sums):
    """The Inception score of a stream of logits, in float64.

    `exp(mean KL(p(y|x) || p(y)))` over all images at once, as TF-GAN has it
    (Salimans et al., arXiv:1606.03498): 1 to `num_classes`, more is better. It
    needs the logits of generated images alone, and keeps two sums of them.

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


def class_score_of_splits(
    logits: np.ndarray, splits: int = SPLITS
) -> Spread | None:
    """Returns the Inception score of equal parts, in order.

    Papers quote it with ten (Salimans et al., arXiv:1606.03498). A part of few
    images scores lower than all together. From 1 to the number of classes, more
    is better.

    Args:
        logits: `(images, classes)`.
        splits: number of parts; there is no score of fewer images.
    """
    if len(logits) < splits:
        return None
    scores = []
    for part in range(splits):
        score = ClassScore(logits.shape[1])
        first, last = (n * len(logits) // splits for n in (part, part + 1))
        for start in range(first, last, _ROWS):
            score.update(logits[start : min(start + _ROWS, last)])
        scores.append(score.result())
    return Spread(float(np.mean(scores)), float(np.std(scores)))


def kernel_distance_of_subsets(real: Rows, fake: Rows) -> Spread:
    """Returns the kernel distance (KID) of 100 subsets of 1,000 images.

    The unbiased estimate with the cubic polynomial kernel (Binkowski et al.,
    arXiv:1801.01401) as clean-fid and torch-fidelity have it; its deviation is
    that of the subsets. Near 0 and up, less is better.

    Args:
        real: features `(images, num_features)`, two images or more.
        fake: the same of generated images.
    """
    random = np.random.RandomState(_SUBSET_SEED)
    size = min(_SUBSET_SIZE, len(real), len(fake))
    distances = []
    for _ in range(_SUBSETS):
        subsets = (
            rows.where(random.choice(len(rows), size, replace=False))
            for rows in (real, fake)
        )
        distances.append(_kernel_distance(*subsets))
    return Spread(float(np.mean(distances)), float(np.std(distances)))


def _kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    count, length = real.shape

    def kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        # Products in float32, as theirs: half the time.
        values = (first @ second.T).astype(np.float64) / length + 1
        return values * values * values

    def among(rows: np.ndarray) -> float:
        values = kernel(rows, rows)
        return (values.sum() - np.trace(values)) / (count * (count - 1))

    return among(real) + among(fake) - 2 * kernel(real, fake).mean()


def distance_of_features(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns the Frechet distance of two sets of features.

    Its mean over the classes is the intra FID (Miyato and Koyama,
    arXiv:1802.05637): 0 and up, less is better. That needs the features and the
    labels of both sets, more of each class than features.

    The trace of the root of the product of two covariances is the sum of the
    singular values of `real @ fake.T`, centred: of few images a smaller matrix
    than the covariances.

    Args:
        real: `(images, num_features)`, two or more.
        fake: the same of generated images.
    """
    if len(real) * len(fake) >= real.shape[1] ** 2:
        return frechet_distance(Moments.of(real), Moments.of(fake))
    means, centred = [], []
    for features in (real, fake):
        features = np.asarray(features, np.float64)
        means.append(features.mean(axis=0))
        root = np.sqrt(len(features) - 1)
        centred.append((features - means[-1]) / root)
    apart = means[0] - means[1]
    product = centred[0] @ centred[1].T
    singular = np.linalg.svd(product, compute_uv=False)
    traces = sum(np.sum(part**2) for part in centred)
    return max(0.0, float(apart @ apart + traces - 2 * singular.sum()))


def variety(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns the total variance of the features, generated by real.

    That of the poorest class tells of collapse: 0 and up, 1 is as varied as
    real images, more is no better. It needs the features and the labels of both
    sets. Source: this project.

    Args:
        real: `(images, num_features)`, two or more.
        fake: the same of generated images.
    """
    ours, theirs = (
        np.var(features, axis=0, ddof=1, dtype=np.float64).sum()
        for features in (fake, real)
    )
    return float(ours / max(theirs, np.finfo(float).tiny))
