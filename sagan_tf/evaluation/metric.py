"""What a metric is: an entry of the table in `metrics`."""

from __future__ import annotations

import dataclasses
from typing import Callable

import numpy as np

from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.classification_accuracy import ClassificationTest
from sagan_tf.evaluation.comparison import Comparison
from sagan_tf.evaluation.features.feature_network import FeatureNetwork


@dataclasses.dataclass(frozen=True)
class Setting:
    """What a metric may apply to.

    Attributes:
        data: name of the data set.
        num_classes: number of its classes; 0 without labels.
        channels: of its images.
        network: what the images are seen through; None while training.
        test: what classifiers of the images are tested with, if asked for.
    """

    data: str
    num_classes: int
    channels: int = 3
    network: FeatureNetwork | None = None
    test: ClassificationTest | None = None


@dataclasses.dataclass(frozen=True)
class Metric:
    """A number that two sets of images have.

    Attributes:
        name: it begins the names of columns; letters and underscores.
        compute: from the comparison to the number; None if it has none.
        needs: what it needs of generated images, names in `gathering.PARTS`.
        needs_of_real: the same of real images; None for as much.
        better: `"lower"`, `"higher"`, or empty for what can be no "best".
        applies_to: whether data and network have it.
        reference: what stands beside it: the number of the `"halves"` of the
            real images, that of the `"real"` images themselves, or nothing.
        compares: whether it depends on the real images.
        of_kept: whether it looks at the first 10,000 images only.
        guards: whether half of the highest in a run is the least for a "best".
        of_pixels: whether it needs no feature network.
        of_images: the same of images alone, `(batch, height, width, 3)` in
            [-1, 1]; training records it.
    """

    name: str
    compute: Callable[[Comparison], float | None]
    needs: tuple[str, ...]
    needs_of_real: tuple[str, ...] | None = None
    better: str = ""
    applies_to: Callable[[Setting], bool] = lambda setting: True
    reference: str = ""
    compares: bool = True
    of_kept: bool = False
    guards: bool = False
    of_pixels: bool = False
    of_images: Callable[[np.ndarray], float] | None = None

    @property
    def reference_name(self) -> str:
        """Name of the score that stands beside it; empty for none."""
        return self.reference and f"{self.reference}_{self.name}"

    def column(self, card: protocol.Card, comparison: Comparison) -> str:
        """Returns the name of its score by a protocol."""
        count = card.num_generated
        if self.of_kept:
            count = len(comparison.features()[0])
        return protocol.metric_name(
            self.name,
            card,
            count=count,
            split=self.compares,
            network=not self.of_pixels,
        )
