"""Augmentation as a part of training: drawn by seed, and adapted."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.gan.augmentation import NAMES, NUMBERS, adapted, augment
from sagan_tf.gan.latents import CHANGES, draw_uniform_for_replica
from sagan_tf.gan.optimization import replica_variable


class Augmenter:
    """Augments in the updates of a model, and adapts how often.

    Args:
        names: which changes, some of `NAMES`; none changes nothing.
        target: mean sign of the logits of real images to hold by moving the
            probability from 0 on; 0 makes every change to every image.
        images_to_one: real images in which the probability could go from 0 to
            1.

    Attributes:
        probability: the probability that adapts, a variable; None if it does
            not.

    Raises:
        ValueError: if a change is unknown, or a number is out of its range.
    """

    def __init__(
        self,
        names: Sequence[str] = (),
        target: float = 0.0,
        images_to_one: int = 500_000,
    ):
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            raise ValueError(
                f"`names` should be some of {NAMES}. Received: {unknown[0]!r}"
            )
        if not 0.0 <= target < 1.0 or images_to_one < 1:
            raise ValueError(
                "`target` should be in [0, 1) and `images_to_one` at least 1. "
                f"Received: {target} and {images_to_one}"
            )
        self.names = tuple(name for name in NAMES if name in names)
        self.target, self.images_to_one = target, images_to_one
        self.probability = None
        if self.names and target:
            self.probability = replica_variable("augmentation", 0.0)

    def draw(self, batch_size: Any, seed: tf.Tensor) -> tf.Tensor:
        """Draws the numbers for as many real and generated images.

        Args:
            batch_size: images per replica.
            seed: `(2,)` integers.

        Returns:
            `(batch_size, 2 * NUMBERS)`, uniform in [0, 1): for the real image
            first; with no columns if nothing is changed.
        """
        columns = 2 * NUMBERS if self.names else 0
        return draw_uniform_for_replica(batch_size, seed, CHANGES, columns)

    def real(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Changes real images by their half of the numbers."""
        return self._augment(images, numbers[:, :NUMBERS])

    def fake(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """Changes generated images by their half of the numbers."""
        return self._augment(images, numbers[:, NUMBERS:])

    def _augment(self, images: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        if not self.names:
            return images
        probability = 1.0 if self.probability is None else self.probability
        return augment(images, numbers, self.names, probability)

    def adapt(self, real_sign: tf.Tensor, images: Any) -> dict[str, tf.Tensor]:
        """Moves the probability, where it adapts.

        Args:
            real_sign: this replica's mean sign of the logits of real images.
            images: this replica's real images of the step.

        Returns:
            What to record: `augmentation`, if it adapts.
        """
        if self.probability is None:
            return {}
        context = tf.distribute.get_replica_context()
        count = images * context.num_replicas_in_sync
        if context.num_replicas_in_sync > 1:
            mean = tf.distribute.ReduceOp.MEAN
            real_sign = context.all_reduce(mean, real_sign)
        self.probability.assign(
            adapted(
                self.probability,
                real_sign,
                self.target,
                count,
                self.images_to_one,
            )
        )
        return {"augmentation": tf.convert_to_tensor(self.probability)}
