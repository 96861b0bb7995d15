"""The base of layers that are made of spectrally normalized ones."""

from __future__ import annotations

import dataclasses
from typing import Any

import tensorflow as tf

from sagan_tf.layers.options import (
    SpectralNorm,
    arguments,
    batch_norm_as_value,
)
from sagan_tf.layers.spectral_normalization import SpectralNormalization


def normalized(
    layer: tf.keras.layers.Layer, options: SpectralNorm | None
) -> tf.keras.layers.Layer:
    """Returns a layer wrapped under its own name; as it is without options."""
    if options is None:
        return layer
    return SpectralNormalization(
        layer, name=layer.name, **dataclasses.asdict(options)
    )


class NormalizedLayer(tf.keras.layers.Layer):
    """A layer of layers whose kernels are spectrally normalized, or none.

    Args:
        spectral_normalization: how they are normalized; None for not at all.
        **kwargs: keyword arguments of `tf.keras.layers.Layer`.
    """

    def __init__(
        self,
        spectral_normalization: SpectralNorm | None = SpectralNorm(),
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.spectral_normalization = SpectralNorm.of(spectral_normalization)

    def _normalized(
        self, layer_class: type, *args: Any, **kwargs: Any
    ) -> tf.keras.layers.Layer:
        """Returns a layer of that class in this layer's dtype, normalized."""
        layer = layer_class(*args, dtype=self.dtype_policy, **kwargs)
        return normalized(layer, self.spectral_normalization)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            **arguments(self, "spectral_normalization"),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> NormalizedLayer:
        """Rebuilds the layer, also of a configuration of version 0.1."""
        return cls(**batch_norm_as_value(config))
