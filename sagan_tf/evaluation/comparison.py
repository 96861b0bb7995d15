"""Two sets of images that metrics compare."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from absl import logging

from sagan_tf.evaluation.classification_accuracy import (
    Accuracies,
    ClassificationTest,
)
from sagan_tf.evaluation.numerics import scores
from sagan_tf.evaluation.numerics.neighbours import Neighbours, compare
from sagan_tf.evaluation.sets.set_statistics import Statistics


class WithinClasses(NamedTuple):
    """Mean of the distances within each class, and least variety of one."""

    distance: float
    variety: float


class Comparison:
    """Two sets of images that are compared.

    What several metrics share is a property that is worked out once.

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

    def features(self) -> tuple[np.ndarray, np.ndarray]:
        """Returns the kept features of real and of generated images.

        They are as many of each, or the larger set would reach further.
        """
        real, fake = self.real.features, self.fake.features
        count = min(len(real), len(fake))
        return real[:count], fake[:count]

    @functools.cached_property
    def neighbours(self) -> Neighbours:
        """What nearest neighbours say of the kept features."""
        return compare(*self.features())

    @functools.cached_property
    def splits(self) -> scores.Spread | None:
        """Inception score of parts; None of fewer images than parts."""
        return scores.class_score_of_splits(self.fake.parts["logits"].joined())

    @functools.cached_property
    def subsets(self) -> scores.Spread:
        """Kernel distance of subsets."""
        real, fake = (part.parts["features"] for part in (self.real, self.fake))
        return scores.kernel_distance_of_subsets(real, fake)

    @functools.cached_property
    def accuracies(self) -> Accuracies:
        """What `test` says of the generated images."""
        images = self.fake.parts["small_images"].joined()
        return self.test(images, self.fake.labels)

    @functools.cached_property
    def within_classes(self) -> WithinClasses | None:
        """Distance and variety within the classes.

        One class after the other, so that their number costs no memory. None,
        and a warning, if one of them has too few images.
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
        distances, varieties = [], []
        for label in range(num_classes):
            real, fake = (
                part.rows("features").where(own == label)
                for part, own in zip(sets, labels)
            )
            distances.append(scores.distance_of_features(real, fake))
            varieties.append(scores.variety(real, fake))
        return WithinClasses(float(np.mean(distances)), min(varieties))
