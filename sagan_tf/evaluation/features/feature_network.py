"""The one interface of every network that scores look through."""

from __future__ import annotations

from typing import Callable

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError

# Takes `(batch, size, size, 3)` float32 in [-1, 1], returns logits `(batch,
# num_classes)` and pooled features `(batch, num_features)`.
FeatureFunction = Callable[[tf.Tensor], "tuple[tf.Tensor, tf.Tensor]"]


class FeatureNetwork:
    """A classifier that was trained before, as images -> logits and features.

    It resizes by itself, so that no image ever comes in at another size than
    the network was trained for: bilinearly, as TF-GAN and the paper do, or as
    clean-fid does (Parmar et al., arXiv:2104.11222), by an antialiased bicubic
    filter in floats.

    Args:
        function: the network, see `FeatureFunction`.
        name: `"inception"`, or what the names of its scores end in.
        hash: hexadecimal digest of its weights.
        input_size: height and width that it takes, in pixels.
        antialias: whether larger images are filtered as they shrink;
            TF-GAN does not.
        clean: whether to resize as clean-fid does.
        test_accuracy: share of test images of its own data that it knows; None
            if it was not trained for the classes of any.
        strategy: how devices share a batch; `function` was built in its scope.
            One device by default.

    Attributes:
        num_classes: length of the logits.
        num_features: length of the pooled features.
    """

    def __init__(
        self,
        function: FeatureFunction,
        *,
        name: str,
        hash: str,
        input_size: int,
        antialias: bool = False,
        clean: bool = False,
        test_accuracy: float | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.name = name
        self.hash = hash
        self.input_size = input_size
        self.antialias = antialias or clean
        self.clean = clean
        self.test_accuracy = test_accuracy
        self._function = tf.function(
            lambda images: self._outputs(function, images),
            input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)],
            # Its rewriting would bury the network's own errors.
            autograph=False,
        )
        self._strategy = strategy or tf.distribute.get_strategy()
        self._on_devices = tf.function(
            lambda parts: self._strategy.run(
                lambda part: self._outputs(function, part), (parts,)
            ),
            autograph=False,
        )
        grey = np.zeros((1, input_size, input_size, 3), np.float32)
        logits, pooled = self(grey)
        self.num_classes = logits.shape[1]
        self.num_features = pooled.shape[1]

    def __call__(
        self, images: np.ndarray | list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns what the network sees.

        Args:
            images: `(batch, height, width, 3)` floats in [-1, 1], any size; or
                a list of images of several sizes.

        Returns:
            Logits `(batch, num_classes)` and features `(batch,
            num_features)`, float32.

        Raises:
            ValueError: if the images are of another shape or type.
            UserError: if an output is not finite.
        """
        if isinstance(images, list):
            return self._by_size(images)
        images = tf.constant(checked_images(images))
        logits, pooled = (part.numpy() for part in self._run(images))
        if not (np.isfinite(logits).all() and np.isfinite(pooled).all()):
            raise UserError(
                f"feature network {self.name} should give finite numbers: the "
                "images, or its weights, hold NaN or infinity"
            )
        return logits, pooled

    @property
    def resize(self) -> str:
        """How images come to its size, in words for the card."""
        method = "bicubic" if self.clean else "bilinear"
        filtered = ", antialiased" if self.antialias else ""
        return f"{method} to {self.input_size}{filtered}"

    def _by_size(
        self, images: list[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        logits = np.zeros((len(images), self.num_classes), np.float32)
        pooled = np.zeros((len(images), self.num_features), np.float32)
        shapes = [image.shape for image in images]
        for shape in dict.fromkeys(shapes):
            alike = [n for n, other in enumerate(shapes) if other == shape]
            stack = np.stack([images[n] for n in alike])
            logits[alike], pooled[alike] = self(stack)
        return logits, pooled

    def _run(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Gives each device an equal part, filled up with grey images."""
        replicas, count = self._strategy.num_replicas_in_sync, len(images)
        if replicas == 1 or not count:
            return self._function(images)
        missing = -count % replicas
        padded = tf.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)))
        parts = tf.split(padded, replicas)
        outputs = self._on_devices(
            self._strategy.experimental_distribute_values_from_function(
                lambda context: parts[context.replica_id_in_sync_group]
            )
        )
        results = map(self._strategy.experimental_local_results, outputs)
        return tuple(tf.concat(result, 0)[:count] for result in results)

    def _outputs(
        self, function: FeatureFunction, images: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        size = (self.input_size, self.input_size)
        method = "bicubic" if self.clean else "bilinear"
        resized = tf.image.resize(
            images, size, method, antialias=self.antialias
        )
        # The cubic overshoots at edges.
        resized = tf.clip_by_value(resized, -1, 1) if self.clean else resized
        logits, pooled = function(tf.ensure_shape(resized, (None, *size, 3)))
        # TF-GAN's pooled features come as a 1x1 map.
        return tuple(
            tf.cast(tf.reshape(part, (tf.shape(images)[0], -1)), tf.float32)
            for part in (logits, pooled)
        )


def checked_images(images: np.ndarray) -> np.ndarray:
    """Returns images as float32.

    Args:
        images: `(batch, height, width, 3)` floats in [-1, 1]; NaN passes, as a
            broken generator draws it.

    Raises:
        ValueError: if they are of another shape, type or range.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[-1] != 3:
        raise ValueError(
            "`images` should have the shape (batch, height, width, 3). "
            f"Received: {images.shape}"
        )
    if images.dtype.kind in "iub":
        raise ValueError(
            "`images` should be floats in [-1, 1]. Received: "
            f"{images.dtype}. Of uint8, take `images / 127.5 - 1`"
        )
    images = images.astype(np.float32)
    largest = np.max(np.abs(images), initial=0.0, where=~np.isnan(images))
    # Resizing and float16 may overshoot a little.
    if largest > 1.01:
        raise ValueError(
            "`images` should be in [-1, 1]. Received values up to "
            f"{largest:.3g} in size"
        )
    return images
