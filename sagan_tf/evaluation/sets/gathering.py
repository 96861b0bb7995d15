"""What a metric can need of a set of images: one entry each."""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple

import numpy as np

from sagan_tf.evaluation.classification_accuracy import as_rows
from sagan_tf.evaluation.coherence import half_hues
from sagan_tf.evaluation.features import small_network
from sagan_tf.evaluation.numerics.moments import Moments, Sums
from sagan_tf.evaluation.numerics.rows import Rows
from sagan_tf.evaluation.numerics.scores import ClassScore

# Features for the scores that compare images two by two.
KEPT_FEATURES = 10_000


class Sizes(NamedTuple):
    """What parts are made for.

    Attributes:
        num_logits: length of the logits.
        num_features: length of the features.
        num_classes: number of classes of the data; 0 without labels.
        keep_features: whether to keep all features, not the first 10,000 only.
        channels: of the images.
    """

    num_logits: int
    num_features: int
    num_classes: int = 0
    keep_features: bool = False
    channels: int = 3


class Hits(Sums):
    """Number of images whose largest logit is at their label."""

    def __init__(self) -> None:
        self.count = 0

    def update(self, logits: np.ndarray, labels: np.ndarray) -> None:
        """Adds logits `(batch, num_logits)` and labels `(batch,)`."""
        self.count += int(np.sum(np.argmax(logits, axis=1) == labels))


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
    "small_images": Part(
        lambda s: Rows(
            small_network.INPUT_SIZE**2 * s.channels, dtype=np.uint8
        ),
        lambda b: (as_rows(b.images),),
    ),
}
