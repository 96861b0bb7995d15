"""Two sets of images that metrics compare."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from absl import logging

from sagan_tf.evaluation.classification_accuracy import ClassificationTest
from sagan_tf.evaluation.numerics import scores
from sagan_tf.evaluation.sets.set_statistics import Statistics


class Comparison:
    """Two sets of images that are compared.

    Args:
        real: statistics of real images.
        fake: the same of generated images.
        force: whether classes of few images have distances of their own.
        test: what classifiers of the images are tested with, if asked for.
    """

    def __init__(
        self,
        real: Statistics,
        fake: Statistics,
        force: bool = False,
        test: ClassificationTest | None = None,
    ) -> None:
        self.real = real
        self.fake = fake
        self.force = force
        self.test = test
        self._known: dict[Callable, Any] = {}

    def once(self, function: Callable[[Comparison], Any]) -> Any:
        """Returns `function(self)`, worked out once for all metrics."""
        if function not in self._known:
            self._known[function] = function(self)
        return self._known[function]

    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kept features of real and of generated images.

        They are as many of each, or the larger set would reach further.
        """
        real, fake = self.real.features, self.fake.features
        count = min(len(real), len(fake))
        return real[:count], fake[:count]

    def classes(self) -> list[tuple[float, float]] | None:
        """Returns the distance and the variety within each class.

        One class after the other, so that their number costs no memory.

        Returns:
            A pair for each class; None, and a warning, if one of them has too
            few images.
        """
        sets = self.real, self.fake
        num_classes = self.real.sizes.num_classes
        labels = [part.labels for part in sets]
        fewest = min(
            np.bincount(x, minlength=num_classes).min() for x in labels
        )
        needed = 2 if self.force else self.real.sizes.num_features + 1
        if fewest < needed:
            logging.warning(
                "no intra_fid: it needs %d images of each class, received %d",
                needed,
                fewest,
            )
            return None
        pairs = []
        for label in range(num_classes):
            real, fake = (
                part.rows("features").where(own == label)
                for part, own in zip(sets, labels)
            )
            distance = scores.distance_of_features(real, fake)
            pairs.append((distance, scores.variety(real, fake)))
        return pairs
