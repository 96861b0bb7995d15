"""The base of attention, and of what may stand in its place."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.layers.normalized_layer import NormalizedLayer
from sagan_tf.layers.options import arguments


class GatedLayer(NormalizedLayer):
    """Adds something to its input, times a scalar gate that starts at zero.

    So a network starts without it. Networks put one behind the blocks of the
    sizes that `attention_resolutions` names; `ATTENTION` lists the classes.

    Args:
        key_divisor: query and key of attention have `channels / key_divisor`
            channels, rounded down.
        value_divisor: its value has `channels / value_divisor` channels.
        gate_initializer: initializer of the gate.
        **kwargs: keyword arguments of `NormalizedLayer`.

    Raises:
        ValueError: if a divisor is less than 1, or there are fewer channels.
    """

    def __init__(
        self,
        key_divisor: int = 8,
        value_divisor: int = 2,
        gate_initializer: Any = "zeros",
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
        self.gate_initializer = tf.keras.initializers.get(gate_initializer)

    def build(self, input_shape: Any) -> None:
        """Creates the gate."""
        channels = tf.TensorShape(input_shape)[-1]
        for name in ("key_divisor", "value_divisor"):
            divisor = getattr(self, name)
            if channels < divisor:
                raise ValueError(
                    f"`inputs` should have at least `{name}` = {divisor} "
                    f"channels. Received: {channels} channels; "
                    f"{divisor} would fit"
                )
        self.gate = self.add_weight(
            name="gate",
            shape=(),
            initializer=self.gate_initializer,
            dtype="float32",
            experimental_autocast=False,
        )
        super().build(input_shape)

    def _convolution(
        self, name: str, filters: int, kernel_size: int = 1, bias: bool = False
    ) -> tf.keras.layers.Layer:
        return self._normalized(
            tf.keras.layers.Conv2D,
            filters,
            kernel_size,
            padding="same",
            use_bias=bias,
            name=name,
        )

    def _add_gated(self, inputs: tf.Tensor, found: tf.Tensor) -> tf.Tensor:
        return inputs + tf.cast(self.gate, inputs.dtype) * found

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            **arguments(self, "key_divisor", "value_divisor"),
            "gate_initializer": tf.keras.initializers.serialize(
                self.gate_initializer
            ),
        }
