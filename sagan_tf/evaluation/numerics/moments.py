"""Mean and covariance of a stream of features, and the distance of two.

The Frechet distance needs no features, only their first two moments: they are
gathered in float64 batch by batch, and parts that were gathered apart (on
several devices, or before and after a stop) merge into the same result.
"""

from __future__ import annotations

from typing import Mapping

import numpy as np


class Sums:
    """What is added up over images: its attributes are all that it knows."""

    def merge(self, other: Sums) -> None:
        """Adds all that `other` has gathered."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def state(self) -> dict[str, np.ndarray]:
        """Returns all that `restore` needs."""
        return {name: np.array(value) for name, value in vars(self).items()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Takes the numbers of a `state`."""
        for name in vars(self):
            # An array of no dimension becomes a number.
            setattr(self, name, np.array(state[name])[()])


class Moments(Sums):
    """Number, mean and scatter matrix of feature vectors, in float64.

    Batches are merged by the pairwise update of Chan, Golub and LeVeque
    ("Updating formulae and a pairwise algorithm for computing sample
    variances", 1979), so the result does not depend on how a stream is cut.

    Args:
        num_features: length of a feature vector.
    """

    def __init__(self, num_features: int) -> None:
        self.count = 0
        self.mean = np.zeros(num_features)
        self.scatter = np.zeros((num_features, num_features))

    @classmethod
    def of(cls, features: np.ndarray) -> Moments:
        """Returns the moments of features `(images, num_features)`."""
        moments = cls(features.shape[1])
        moments.update(features)
        return moments

    def update(self, features: np.ndarray) -> None:
        """Adds feature vectors `(batch, num_features)`.

        Raises:
            ValueError: if they are of another length.
        """
        features = np.asarray(features, np.float64)
        if features.ndim != 2 or features.shape[1:] != self.mean.shape:
            raise ValueError(
                "`features` should have the shape (batch, "
                f"{len(self.mean)}). Received: {features.shape}"
            )
        if len(features):
            mean = features.mean(axis=0)
            centred = features - mean
            self._add(len(features), mean, centred.T @ centred)

    def merge(self, other: Moments) -> None:
        """Adds all that `other` has gathered."""
        if other.count:
            self._add(other.count, other.mean, other.scatter)

    @property
    def covariance(self) -> np.ndarray:
        """Unbiased covariance, `(num_features, num_features)`.

        Raises:
            ValueError: if there are fewer than two feature vectors.
        """
        if self.count < 2:
            raise ValueError(
                f"a covariance needs two images or more. Received: {self.count}"
            )
        return self.scatter / (self.count - 1)

    @property
    def variance(self) -> float:
        """Sum of the variances of all features."""
        return float(np.trace(self.covariance))

    def typical_features(self) -> np.ndarray:
        """Returns feature vectors of the same mean and covariance.

        They serve functions that take features where these are not kept.

        Returns:
            `(2 * num_features, num_features)`, float64.

        Raises:
            ValueError: if there are fewer than two feature vectors.
        """
        values, vectors = np.linalg.eigh(self.covariance)
        # Two on each axis, whose covariance is the sum over 2n - 1.
        lengths = np.sqrt(np.clip(values, 0, None) * (len(values) - 0.5))
        apart = (vectors * lengths).T
        return np.concatenate([self.mean + apart, self.mean - apart])

    def _add(self, count: int, mean: np.ndarray, scatter: np.ndarray) -> None:
        total = self.count + count
        apart = mean - self.mean
        self.scatter += scatter
        if self.count:
            self.scatter += np.outer(
                apart, apart * (self.count * count / total)
            )
        self.mean = self.mean + apart * (count / total)
        self.count = total


def frechet_distance(
    first: Moments, second: Moments, *, least: float = 0.0
) -> float:
    """Returns the squared Frechet distance of two normal distributions.

    It is `|m1 - m2|^2 + trace(C1 + C2 - 2 (C1 C2)^(1/2))`, the FID if the
    features are Inception's (Heusel et al., arXiv:1706.08500): 0 and up, less
    is better. It needs the moments of more images than features. The trace of
    the root is that of the symmetric `(C1^(1/2) C2 C1^(1/2))^(1/2)`, which two
    symmetric eigenvalue problems give, several times faster than the general
    root and without imaginary parts.

    Args:
        first: moments of two or more images.
        second: the same; the order does not matter.
        least: eigenvalues below it count as 0.

    Returns:
        A number, 0 or more.

    Raises:
        ValueError: if either holds fewer than two images, or one has other
            features.
    """
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            "moments should be of the same features. Received: "
            f"{len(first.mean)} and {len(second.mean)} features"
        )
    values, vectors = np.linalg.eigh(first.covariance)
    root = (vectors * _root(values, least)) @ vectors.T
    product = root @ second.covariance @ root
    values = np.linalg.eigvalsh((product + product.T) / 2)
    root_trace = _root(values, least).sum()
    apart = first.mean - second.mean
    distance = apart @ apart + first.variance + second.variance
    # Rounding may leave a little less than nothing.
    return max(0.0, float(distance - 2 * root_trace))


def _root(values: np.ndarray, least: float) -> np.ndarray:
    # Rounding leaves some values a little below 0.
    return np.sqrt(np.where(values < least, 0, np.clip(values, 0, None)))
