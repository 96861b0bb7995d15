"""What may stand in place of self-attention, to tell what attention adds."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers.gated_layer import GatedLayer


@tf.keras.utils.register_keras_serializable("sagan_tf")
class ResidualReplacement(GatedLayer):
    """A residual block with as many parameters as a self-attention layer.

    It sees 3x3 neighbourhoods, never the rest of the image:

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
        gate_initializer: initializer of the scalar gate.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Call arguments:
        inputs: `(batch, height, width, channels)`.

    Returns:
        `(batch, height, width, channels)`.

    Raises:
        ValueError: if there are fewer channels than a divisor, or a divisor is
            less than 1.
    """

    def build(self, input_shape: Any) -> None:
        """Creates the convolutions and the gate."""
        channels = tf.TensorShape(input_shape)[-1]
        super().build(input_shape)
        attended = channels // self.key_divisor + channels // self.value_divisor
        hidden = max(1, round(attended / 5))
        self.reduce = self._convolution("reduce", hidden, kernel_size=3)
        self.expand = self._convolution("expand", channels)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Runs the block."""
        x = tf.nn.relu(self.reduce(tf.nn.relu(inputs)))
        return self._add_gated(inputs, self.expand(x))
