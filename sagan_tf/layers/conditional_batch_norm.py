"""Batch normalization with a gain and a bias for each class."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers import batch_moments
from sagan_tf.layers.normalized_layer import normalized
from sagan_tf.layers.options import (
    SpectralNorm,
    arguments,
    spectral_as_value,
)


@tf.keras.utils.register_keras_serializable("sagan_tf")
class ConditionalBatchNormalization(tf.keras.layers.Layer):
    """Normalizes each channel, then scales and shifts it by class.

    In training, mean and variance come from the batch: from the global one
    under a distribution strategy, unless `synchronized` is off. In inference
    they are the moving averages that training left. Statistics are kept in
    float32 under every dtype policy.

    With `num_classes=0` this is plain batch normalization, whose moving
    variance holds the unbiased estimate, as in TensorFlow's fused operation;
    the conditional form keeps the biased one. Both are what the released
    SAGAN does.

    Reference: Dumoulin et al., "A Learned Representation for Artistic Style"
    (arXiv:1610.07629), as used in SAGAN (arXiv:1805.08318).

    Args:
        num_classes: number of classes; 0 for plain batch normalization.
        momentum: decay of the moving averages per call, in [0, 1).
        epsilon: added to the variance.
        synchronized: whether replicas share their statistics.
        normalized_tables: how the tables are spectrally normalized, with one
            added to the gain, as in PyTorch-StudioGAN; None for plain tables.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, alone if `num_classes` is
            0, else in a pair with `labels`: integers `(batch,)` in
            `[0, num_classes)`, or shares `(batch, num_classes)` of each class,
            floats, which mix the rows of the tables.
        training: whether to use, and to average in, the batch's statistics.

    Returns:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: if `num_classes` is negative, or 0 where tables are to be
            normalized, `momentum` is not in [0, 1), or labels are missing.

    Example:

    >>> layer = ConditionalBatchNormalization(num_classes=10)
    >>> layer([tf.ones((2, 4, 4, 3)), tf.constant([7, 0])]).shape
    TensorShape([2, 4, 4, 3])
    """

    def __init__(
        self,
        num_classes: int = 0,
        momentum: float = 0.999,
        epsilon: float = 1e-5,
        synchronized: bool = True,
        normalized_tables: SpectralNorm | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if num_classes < 0:
            raise ValueError(
                "`num_classes` should be 0 (plain batch normalization) or "
                f"more. Received: {num_classes}"
            )
        if not 0.0 <= momentum < 1.0:
            raise ValueError(
                f"`momentum` should be in [0, 1). Received: {momentum}"
            )
        self.num_classes = num_classes
        self.momentum = momentum
        self.epsilon = epsilon
        self.synchronized = synchronized
        self.normalized_tables = SpectralNorm.of(normalized_tables)
        if self.normalized_tables is not None and not num_classes:
            raise ValueError(
                "`normalized_tables` should be None where `num_classes` is 0. "
                f"Received: {normalized_tables}"
            )

    def build(self, input_shape: Any) -> None:
        """Creates the tables, and the moving statistics `(channels,)`."""
        if self.num_classes:
            if isinstance(input_shape, tf.TensorShape):
                raise ValueError(
                    "`inputs` should be a pair whose second member is the "
                    f"labels, as num_classes={self.num_classes}. "
                    "Received: one tensor"
                )
            input_shape = input_shape[0]
        channels = tf.TensorShape(input_shape)[-1]
        table = (channels,)
        if self.num_classes:
            table = (self.num_classes, channels)
        if self.normalized_tables is not None:
            self.gain = self._normalized_table("gain", channels)
            self.bias = self._normalized_table("bias", channels)
        else:
            self.gain = self._weight("gain", table, "ones")
            self.bias = self._weight("bias", table, "zeros")
        self.moving_mean = self._statistic("moving_mean", channels, "zeros")
        self.moving_variance = self._statistic(
            "moving_variance", channels, "ones"
        )
        super().build(input_shape)

    def _weight(self, name: str, shape: Any, initializer: str) -> tf.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            dtype="float32",
            experimental_autocast=False,
        )

    def _normalized_table(self, name: str, channels: int) -> Any:
        layer = normalized(
            tf.keras.layers.Dense(
                channels, use_bias=False, name=name, dtype="float32"
            ),
            self.normalized_tables,
        )
        layer.build((None, self.num_classes))
        return layer

    def tables(self, training: Any = False) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns gains and biases: `([num_classes,] channels)`, float32.

        Args:
            training: whether the vectors of normalized tables are moved.
        """
        if self.normalized_tables is None:
            return self.gain, self.bias
        gain, bias = (
            layer.normalized_kernel(training)
            for layer in (self.gain, self.bias)
        )
        return 1.0 + gain, bias

    def _statistic(self, name: str, size: int, initializer: str) -> tf.Variable:
        return self.add_weight(
            name=name,
            shape=(size,),
            initializer=initializer,
            dtype="float32",
            trainable=False,
            experimental_autocast=False,
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=self._aggregation(),
        )

    def _aggregation(self) -> tf.VariableAggregation:
        # What is equal on all replicas can be read without asking them.
        if self.synchronized:
            return tf.VariableAggregation.ONLY_FIRST_REPLICA
        return tf.VariableAggregation.MEAN

    def call(self, inputs: Any, training: Any = None) -> tf.Tensor:
        """Normalizes, scales and shifts."""
        labels = None
        if self.num_classes:
            inputs, labels = inputs
        gain, bias = self.tables(training)
        if labels is not None:
            gain, bias = _rows(gain, labels), _rows(bias, labels)
        if training and self.trainable:
            return self._normalize_by_batch(inputs, gain, bias)
        moments = self.moving_mean, self.moving_variance
        return batch_moments.normalize_by(
            inputs, *moments, self.epsilon, gain, bias
        )

    def _normalize_by_batch(
        self, inputs: tf.Tensor, gain: tf.Tensor, bias: tf.Tensor
    ) -> tf.Tensor:
        replicas = 1
        if self.synchronized:
            replicas = tf.distribute.get_strategy().num_replicas_in_sync
        if replicas > 1:
            normalize = batch_moments.normalize_globally
        else:
            normalize = batch_moments.normalize
        outputs, mean, variance = normalize(inputs, self.epsilon)
        count = batch_moments.count_values(inputs) * replicas
        self._average(mean, variance, count)
        return batch_moments.scale_and_shift(outputs, gain, bias)

    def _average(
        self, mean: tf.Tensor, variance: tf.Tensor, count: tf.Tensor
    ) -> None:
        if not self.num_classes:
            variance *= count / tf.maximum(count - 1.0, 1.0)
        for average, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            average.assign_add((1.0 - self.momentum) * (value - average))

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns the shape of the normalized input."""
        return tf.TensorShape(
            input_shape[0] if self.num_classes else input_shape
        )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("num_classes", "momentum", "epsilon", "synchronized")
        return {
            **super().get_config(),
            **arguments(self, *names, "normalized_tables"),
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any]
    ) -> ConditionalBatchNormalization:
        """Rebuilds the layer, also of a configuration of version 0.1."""
        return cls(**spectral_as_value(config))


def _rows(table: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Returns rows by label, or mixed by shares: `(batch, channels)`."""
    labels = tf.convert_to_tensor(labels)
    if labels.dtype.is_floating:
        return tf.matmul(tf.cast(labels, table.dtype), table)
    return tf.gather(table, labels)
