"""Spectral normalization: a kernel divided by its largest singular value."""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

import tensorflow as tf

from sagan_tf.layers.options import arguments

_EPSILON = 1e-12


def power_iteration(
    matrix: tf.Tensor, u: tf.Tensor, iterations: int = 1
) -> tuple[tf.Tensor, tf.Tensor]:
    """Estimates the largest singular value of a matrix.

    Each iteration sets `v = normalize(u W^T)`, then `u = normalize(v W)`. The
    estimate `v W u^T` approaches the largest singular value from below; its
    gradient reaches the matrix, while `u` and `v` count as constants.

    Reference: Miyato et al., "Spectral Normalization for Generative
    Adversarial Networks" (arXiv:1802.05957), algorithm 1.

    Args:
        matrix: `(rows, columns)`, float32.
        u: `(1, columns)`, float32, the present left vector.
        iterations: number of iterations, at least 1.

    Returns:
        `sigma`, a scalar that is 0 for a zero matrix, and the new `u`
        `(1, columns)`; where the matrix is zero the given `u` is returned, so
        that it can still find a direction once the matrix has one.
    """
    constant, new_u = tf.stop_gradient(matrix), tf.stop_gradient(u)
    for _ in range(iterations):
        v = _normalize(tf.matmul(new_u, constant, transpose_b=True))
        # A large kernel is read as few times as can be: the last product
        # gives both the new vector and the norm.
        product = tf.matmul(v, matrix)
        new_u = _normalize(tf.stop_gradient(product))
    sigma = tf.reduce_sum(product * new_u)
    return sigma, tf.where(tf.reduce_any(new_u != 0.0), new_u, u)


def _normalize(vector: tf.Tensor) -> tf.Tensor:
    return vector / (tf.norm(vector) + _EPSILON)


@tf.keras.utils.register_keras_serializable("sagan_tf")
class SpectralNormalization(tf.keras.layers.Wrapper):
    """Runs a layer with its kernel divided by the kernel's spectral norm.

    The wrapped layer keeps its raw kernel as the trainable variable, which is
    never overwritten: each call divides it afresh, so gradients flow through
    the norm, and a call with `training=False` changes nothing at all. The
    kernel counts as a matrix `(everything else, last axis)`; an embedding
    table `(classes, features)` counts as its transpose.

    One vector `u` per kernel carries the power iteration from step to step. It
    is stored only by calls with `training=True`; other calls iterate from it
    without storing, as the released SAGAN does. All of it is computed in
    float32 under every dtype policy. A kernel of zeros stays zeros.

    Reference: Miyato et al. (arXiv:1802.05957); in both networks of SAGAN:
    Zhang et al. (arXiv:1805.08318), section 3.1.

    Args:
        layer: the layer to wrap: anything with a `kernel` (`Dense`, `Conv2D`,
            `Conv2DTranspose`, ...) or with `embeddings` (`Embedding`). A layer
            with an attribute `casts_kernel = True` receives the kernel in
            float32 and casts it itself; others receive their compute dtype.
        power_iterations: iterations per call, at least 1.
        minimum_divisor: the divisor is never smaller than this: 0 (always
            divide by sigma, as in the release) or 1 (divide by `max(1, sigma)`,
            as in TF-GAN's example).
        transposed: whether the matrix is transposed, so that `u` has the
            length of everything but the last axis, as in TF-GAN. The norm is
            the same; an estimate that has not converged is not.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: what the wrapped layer takes.
        training: whether `u` is moved.

    Raises:
        ValueError: if `layer` is not a layer or has nothing to normalize,
            `power_iterations` is less than 1, or `minimum_divisor` negative.

    Example:

    >>> layer = SpectralNormalization(tf.keras.layers.Dense(8))
    >>> layer(tf.ones((2, 4)), training=True).shape
    TensorShape([2, 8])
    """

    def __init__(
        self,
        layer: tf.keras.layers.Layer,
        power_iterations: int = 1,
        minimum_divisor: float = 0.0,
        transposed: bool = False,
        **kwargs: Any,
    ):
        if not isinstance(layer, tf.keras.layers.Layer):
            raise ValueError(
                "`layer` should be a tf.keras.layers.Layer. "
                f"Received: {layer!r}"
            )
        if power_iterations < 1:
            raise ValueError(
                "`power_iterations` should be at least 1. "
                f"Received: {power_iterations}"
            )
        if minimum_divisor < 0.0:
            raise ValueError(
                "`minimum_divisor` should not be negative. "
                f"Received: {minimum_divisor}"
            )
        # The wrapper computes in float32 whatever the policy, and hands its
        # inputs on untouched: the wrapped layer casts them to its own dtype.
        kwargs.update(dtype="float32", autocast=False)
        kwargs.setdefault("name", f"sn_{layer.name}")
        super().__init__(layer, **kwargs)
        self.power_iterations = power_iterations
        self.minimum_divisor = minimum_divisor
        self.transposed = transposed
        self._weight_name: str | None = None

    def build(self, input_shape: Any = None) -> None:
        """Builds the wrapped layer and `u`, drawn from a truncated normal."""
        super().build(input_shape)
        self._weight_name = self._find_weight()
        self.u = self.add_weight(
            name="u",
            shape=(1, self._matrix().shape[-1]),
            initializer=tf.keras.initializers.TruncatedNormal(stddev=1.0),
            dtype="float32",
            trainable=False,
            experimental_autocast=False,
            # Every replica computes the same update from the same kernel, so
            # each keeps its own copy and one of them is saved.
            synchronization=tf.VariableSynchronization.ON_READ,
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def _find_weight(self) -> str:
        for name in ("kernel", "embeddings"):
            # Only an attribute of the instance can be substituted.
            if isinstance(vars(self.layer).get(name), tf.Variable):
                return name
        raise ValueError(
            "`layer` should have a variable `kernel` or `embeddings`. "
            f"Received: {self.layer.name} ({type(self.layer).__name__})"
        )

    @property
    def raw_kernel(self) -> tf.Variable:
        """The trainable variable that the wrapped layer owns."""
        return getattr(self.layer, self._weight_name)

    def _matrix(self) -> tf.Tensor:
        kernel = tf.cast(self.raw_kernel, tf.float32)
        if self._weight_name == "embeddings":
            matrix = tf.transpose(kernel)
        else:
            matrix = tf.reshape(kernel, (-1, kernel.shape[-1]))
        return tf.transpose(matrix) if self.transposed else matrix

    @property
    def sigma(self) -> tf.Tensor:
        """The present estimate of the spectral norm, a float32 scalar."""
        return power_iteration(self._matrix(), self.u, self.power_iterations)[0]

    def normalized_kernel(self, training: Any = False) -> tf.Tensor:
        """Returns the kernel over its norm, float32, in the kernel's shape.

        Args:
            training: whether `u` is moved: a bool or a boolean scalar.
        """
        sigma, new_u = power_iteration(
            self._matrix(), self.u, self.power_iterations
        )
        self._store(new_u, training)
        divisor = tf.maximum(sigma, self.minimum_divisor)
        kernel = tf.cast(self.raw_kernel, tf.float32)
        return kernel * tf.math.divide_no_nan(1.0, divisor)

    def _store(self, new_u: tf.Tensor, training: Any) -> None:
        if tf.is_tensor(training):
            new_u = tf.where(tf.cast(training, tf.bool), new_u, self.u)
            training = True
        if training and self.trainable:
            self.u.assign(new_u)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Calls the wrapped layer with the normalized kernel."""
        kernel = self.normalized_kernel(training)
        if not getattr(self.layer, "casts_kernel", False):
            kernel = tf.cast(kernel, self.layer.compute_dtype)
        with _substituted(self.layer, self._weight_name, kernel):
            return self.layer(inputs)

    def compute_output_shape(self, input_shape: Any) -> tf.TensorShape:
        """Returns the output shape of the wrapped layer."""
        return tf.TensorShape(self.layer.compute_output_shape(input_shape))

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.pop("dtype", None)
        names = ("power_iterations", "minimum_divisor", "transposed")
        return {**config, **arguments(self, *names)}

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> SpectralNormalization:
        """Rebuilds the layer; Keras's wrapper would miss registered classes."""
        config = dict(config)
        layer = tf.keras.layers.deserialize(config.pop("layer"), custom_objects)
        return cls(layer, **config)


@contextlib.contextmanager
def _substituted(
    layer: tf.keras.layers.Layer, name: str, value: tf.Tensor
) -> Iterator[None]:
    """Lets a layer see a tensor in the place of one of its variables.

    The instance dictionary is set directly because Keras's `__setattr__` would
    stop tracking the variable.
    """
    variable = layer.__dict__[name]
    layer.__dict__[name] = value
    try:
        yield
    finally:
        layer.__dict__[name] = variable
