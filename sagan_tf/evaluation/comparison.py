"""Two sets of images that metrics compare."""

from __future__ import annotations

from typing import Any, Callable

import numpy as np
from absl import logging

from sagan_tf.evaluation.set_statistics import Statistics


class Comparison:
    """Two sets of images that are compared.

    Args:
        real: statistics of real images.
        fake: the same of generated images.
        force: whether classes of few images have distances of their own.
    """

    def __init__(
        self, real: Statistics, fake: Statistics, force: bool = False
    ) -> None:
        self.real = real
        self.fake = fake
        self.force = force
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

    def has_classes(self) -> bool:
        """Returns whether each class has the images for a distance.

        A warning says why not.
        """
        real, fake = self.real, self.fake
        counts = [part.class_counts() for part in (real, fake)]
        if any(part is None for part in counts):
            logging.warning(
                "no intra_fid: covariances of %d classes do not fit, and "
                "features or labels of all images are not kept",
                real.sizes.num_classes,
            )
            return False
        fewest = min(part.min() for part in counts)
        needed = 2 if self.force else real.sizes.num_features + 1
        if fewest < needed:
            logging.warning(
                "no intra_fid: it needs %d images of each class, received %d",
                needed,
                fewest,
            )
        return fewest >= needed
