"""What the networks share: arguments, stages and the walk through them."""

from __future__ import annotations

from typing import Any, Iterable, Iterator, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.layers import (
    ResidualReplacement,
    ResidualUpBlock,
    SelfAttention,
    SpectralNormalization,
)
from sagan_tf.layers.spectral_normalization import normalized_if

# Arguments of `SelfAttention` that mean something to its replacement.
_REPLACEMENT_OPTIONS = (
    "key_divisor",
    "value_divisor",
    "gate_initializer",
    "spectral_normalization",
    "spectral_options",
)


class StagedNetwork(tf.keras.Model):
    """What both networks share: arguments and a walk over stages.

    A stage is a block or an attention layer. `self.stages` lists them in the
    order of computation, each with the size of the map that it gives.
    """

    def __init__(
        self,
        image_size: int = 128,
        num_classes: int = 0,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] = (32,),
        attention_options: dict[str, Any] | None = None,
        attention_replacement: str = "attention",
        spectral_normalization: bool = True,
        fold_resampling: bool = True,
        spectral_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.image_size = image_size
        self.num_classes = num_classes
        self.base_channels = base_channels
        self.attention_resolutions = tuple(attention_resolutions)
        self.attention_options = dict(attention_options or {})
        self.attention_replacement = attention_replacement
        self.spectral_normalization = spectral_normalization
        self.fold_resampling = fold_resampling
        self.spectral_options = dict(spectral_options or {})
        self._check()

    def _check(self) -> None:
        for name, least in (("num_classes", 0), ("base_channels", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` should be at least {least}. "
                    f"Received: {getattr(self, name)}"
                )
        if self.attention_replacement not in ("attention", "residual"):
            raise ValueError(
                '`attention_replacement` should be "attention" or "residual". '
                f"Received: {self.attention_replacement!r}"
            )
        possible = self.feature_sizes()
        for size in self.attention_resolutions:
            if size not in possible:
                raise ValueError(
                    "`attention_resolutions` should be among the sizes "
                    f"{possible} of the feature maps. Received: {size}"
                )

    def feature_sizes(self) -> tuple[int, ...]:
        """Sizes of the maps that the blocks give: places for attention."""
        raise NotImplementedError

    def _add_stages(
        self, sizes: Iterable[int], blocks: Iterable[tf.keras.layers.Layer]
    ) -> None:
        """Lists the blocks, with attention behind the last one of its size."""
        sizes, stages = list(sizes), []
        for index, (size, block) in enumerate(zip(sizes, blocks)):
            stages.append((size, block))
            is_last = size not in sizes[index + 1 :]
            if is_last and size in self.attention_resolutions:
                stages.append((size, self._attention(size)))
        self.stages = stages

    def _attention(self, size: int) -> tf.keras.layers.Layer:
        layer_class, name = SelfAttention, f"attention_{size}"
        options = {**self._attention_defaults(), **self.attention_options}
        if self.attention_replacement == "residual":
            layer_class, name = ResidualReplacement, f"residual_{size}"
            options = {
                key: value
                for key, value in options.items()
                if key in _REPLACEMENT_OPTIONS
            }
        return layer_class(name=name, dtype=self.dtype_policy, **options)

    def _attention_defaults(self) -> dict[str, Any]:
        return {
            "spectral_normalization": self.spectral_normalization,
            "spectral_options": self.spectral_options,
        }

    def _normalized(
        self, layer: tf.keras.layers.Layer
    ) -> tf.keras.layers.Layer:
        return normalized_if(
            self.spectral_normalization, layer, self.spectral_options
        )

    def _block_options(self, name: str) -> dict[str, Any]:
        return {
            "spectral_normalization": self.spectral_normalization,
            "fold_resampling": self.fold_resampling,
            "spectral_options": self.spectral_options,
            "name": name,
            "dtype": self.dtype_policy,
        }

    def attention_layers(self) -> dict[int, SelfAttention]:
        """Returns the attention layers by the size of their map."""
        return {
            size: layer
            for size, layer in self.stages
            if isinstance(layer, SelfAttention)
        }

    def stage_shapes(
        self,
    ) -> Iterator[tuple[int, int, tf.keras.layers.Layer]]:
        """Yields the map size, the channels and the layer of each stage."""
        channels = 0
        for size, stage in self.stages:
            channels = getattr(stage, "filters", channels)
            yield size, channels, stage

    def spectral_layers(self) -> dict[str, SpectralNormalization]:
        """Returns every spectrally normalized layer by its path."""
        return {
            layer.u.name.split("/", 1)[1].rsplit("/", 1)[0]: layer
            for layer in self.submodules
            if isinstance(layer, SpectralNormalization)
        }

    def diagnostics(self) -> dict[str, float]:
        """Returns what to watch: `gate_SIZE` and `largest_sigma`.

        A gate is that of the attention layer at that map size, or of what
        stands in its place; the norm is the largest among the raw kernels:
        the estimate of spectral normalization or, without it, the norm itself.
        """
        values = {
            f"gate_{size}": float(stage.gate.numpy())
            for size, stage in self.stages
            if hasattr(stage, "gate")
        }
        sigmas = [
            float(layer.sigma.numpy())
            for layer in self.spectral_layers().values()
        ] or [_norm(kernel) for kernel in self._kernels()]
        return {**values, "largest_sigma": max(sigmas)}

    def _kernels(self) -> list[tf.Variable]:
        """Returns the kernels, and the embeddings, of layers as they are."""
        return [
            variable
            for variable in self.trainable_variables
            if variable.name.split("/")[-1] in ("kernel:0", "embeddings:0")
        ]

    def _walk(
        self, x: tf.Tensor, labels: tf.Tensor | None, want_scores: bool
    ) -> tuple[tf.Tensor, dict[int, tf.Tensor]]:
        scores = {}
        for size, stage in self.stages:
            if isinstance(stage, SelfAttention) and want_scores:
                x, scores[size] = stage(x, return_attention_scores=True)
            elif isinstance(stage, ResidualUpBlock) and self.num_classes:
                x = stage([x, labels])
            else:
                x = stage(x)
        return x, scores

    def _split(self, inputs: Any) -> tuple[tf.Tensor, tf.Tensor | None]:
        if not self.num_classes:
            return inputs, None
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
            raise ValueError(
                "`inputs` should be a pair whose second member is the labels, "
                f"as num_classes={self.num_classes}. Received: {inputs!r}"
            )
        return inputs[0], inputs[1]

    def _input_shape(self) -> tuple[int, ...]:
        raise NotImplementedError

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Creates all variables, for Keras when it loads a `.keras` file."""
        inputs = tf.zeros((1, *self._input_shape()))
        labels = tf.zeros((1,), tf.int32)
        self([inputs, labels] if self.num_classes else inputs)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "name": self.name,
            "dtype": self.dtype_policy.name,
            "image_size": self.image_size,
            "num_classes": self.num_classes,
            "base_channels": self.base_channels,
            "attention_resolutions": self.attention_resolutions,
            "attention_options": _plain(self.attention_options),
            "attention_replacement": self.attention_replacement,
            "spectral_normalization": self.spectral_normalization,
            "fold_resampling": self.fold_resampling,
            "spectral_options": _plain(self.spectral_options),
        }


def _norm(kernel: tf.Variable) -> float:
    """The largest singular value of a kernel, by its smaller Gram matrix."""
    matrix = kernel.numpy().astype(np.float64)
    matrix = matrix.reshape(-1, matrix.shape[-1])
    if len(matrix) < matrix.shape[1]:
        matrix = matrix.T
    if not np.all(np.isfinite(matrix)):
        return float("nan")
    return float(np.sqrt(np.linalg.eigvalsh(matrix.T @ matrix)[-1]))


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    """Copies options out of the wrappers that Keras tracks attributes with."""
    return {
        name: _plain(value) if isinstance(value, dict) else value
        for name, value in options.items()
    }
