"""What may stand in place of self-attention, to tell what attention adds."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers.spectral_normalization import normalized_if


@tf.keras.utils.register_keras_serializable("sagan_tf")
class ResidualReplacement(tf.keras.layers.Layer):
    """A residual block with as many parameters as a self-attention layer.

    It sees 3x3 neighbourhoods, never the rest of the picture:

        outputs = inputs + gate * expand(relu(reduce(relu(inputs))))

    `reduce` is a 3x3 convolution to few channels, `expand` a 1x1 convolution
    back. Everything but the way of looking is that of `SelfAttention`: no
    biases, spectral normalization, and a scalar gate that starts at zero, so
    that both start as the identity.

    How the count is matched: attention over `channels` has `2 * channels *
    (channels // key_divisor + channels // value_divisor)` weights and a gate;
    this block has `10 * channels * hidden` and a gate, with `hidden` rounded
    to the nearest integer of at least 1. By the default divisors `hidden` is
    `channels / 8`, and the numbers are equal where 8 divides `channels`.
    Otherwise they differ by at most `5 * channels`, half of what one hidden
    channel has, unless attention has fewer than that altogether.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318), table 1, which compares with such a block and does not
    say what it consists of.

    Args:
        key_divisor: that of the attention whose place it takes.
        value_divisor: that of the attention.
        spectral_normalization: whether the convolutions are normalized.
        gate_initializer: initializer of the scalar gate.
        spectral_options: further arguments of `SpectralNormalization`.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: if there are fewer channels than a divisor, or a divisor is
            less than 1.
    """

    def __init__(
        self,
        key_divisor: int = 8,
        value_divisor: int = 2,
        spectral_normalization: bool = True,
        gate_initializer: Any = "zeros",
        spectral_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, divisor in (
            ("key_divisor", key_divisor),
            ("value_divisor", value_divisor),
        ):
            if divisor < 1:
                raise ValueError(
                    f"`{name}` should be at least 1. Received: {divisor}"
                )
        self.key_divisor = key_divisor
        self.value_divisor = value_divisor
        self.spectral_normalization = spectral_normalization
        self.gate_initializer = tf.keras.initializers.get(gate_initializer)
        self.spectral_options = dict(spectral_options or {})

    def hidden_channels(self, channels: int) -> int:
        """Channels between the convolutions, for a map of `channels`."""
        attended = channels // self.key_divisor + channels // self.value_divisor
        return max(1, round(attended / 5))

    def build(self, input_shape: Any) -> None:
        """Creates the convolutions and the gate."""
        channels = tf.TensorShape(input_shape)[-1]
        largest = max(self.key_divisor, self.value_divisor)
        if channels < largest:
            raise ValueError(
                f"`inputs` should have at least {largest} channels, the "
                f"larger divisor. Received: {channels} channels"
            )
        hidden = self.hidden_channels(channels)
        self.reduce = self._convolution("reduce", hidden, 3)
        self.expand = self._convolution("expand", channels, 1)
        self.gate = self.add_weight(
            name="gate",
            shape=(),
            initializer=self.gate_initializer,
            dtype="float32",
            experimental_autocast=False,
        )
        super().build(input_shape)

    def _convolution(
        self, name: str, filters: int, kernel_size: int
    ) -> tf.keras.layers.Layer:
        convolution = tf.keras.layers.Conv2D(
            filters,
            kernel_size,
            padding="same",
            use_bias=False,
            name=name,
            dtype=self.dtype_policy,
        )
        return normalized_if(
            self.spectral_normalization, convolution, self.spectral_options
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        x = tf.nn.relu(self.reduce(tf.nn.relu(inputs)))
        return inputs + tf.cast(self.gate, inputs.dtype) * self.expand(x)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        config = super().get_config()
        config.update(
            key_divisor=self.key_divisor,
            value_divisor=self.value_divisor,
            spectral_normalization=self.spectral_normalization,
            gate_initializer=tf.keras.initializers.serialize(
                self.gate_initializer
            ),
            spectral_options=dict(self.spectral_options),
        )
        return config
