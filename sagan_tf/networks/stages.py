"""What the networks share: arguments, stages and the walk through them."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Sequence

import tensorflow as tf

from sagan_tf import image_sizes
from sagan_tf.image_sizes import ImageSize
from sagan_tf.layers import (
    ATTENTION,
    ResidualUpBlock,
    SelfAttention,
    SpectralNormalization,
)
from sagan_tf.layers.normalized_layer import normalized
from sagan_tf.layers.options import (
    SpectralNorm,
    arguments,
    batch_norm_as_value,
    spectral_as_value,
)
from sagan_tf.networks.norms import kernel_norms

# Grey, RGB and RGBA.
CHANNELS = (1, 3, 4)

# Whether a network returns the attention weights; or a function that is called
# with each attention layer and its inputs, whose result is returned instead.
WantScores = bool | Callable[[SelfAttention, tf.Tensor], Any]


class StagedNetwork(tf.keras.Model):
    """What the networks share: arguments and a walk over stages.

    A stage is a block or an attention layer. `self.stages` lists them in the
    order of computation, each with the height of the map that it gives.

    Args:
        image_size: height and width of the images: a number for squares, or a
            pair; as `image_sizes.check` takes it.
        num_classes: number of classes; 0 for an unconditional network.
        base_channels: unit of the widths.
        attention_resolutions: heights of the feature maps with attention; None
            is a quarter of the images' (the release's 32 at 128 pixels), or
            half of it below 64 pixels.
        attention_options: further arguments of `SelfAttention`; its
            `spectral_normalization` is that of the network if none is given.
        attention_replacement: what stands at those sizes, a key of
            `ATTENTION`.
        spectral_normalization: how kernels are normalized; None for not at
            all.
        fold_resampling: whether resampling is folded into convolutions.
        channels: of the images: 1 (grey), 3 (RGB) or 4 (RGBA).
        **kwargs: keyword arguments of `tf.keras.Model`.

    Raises:
        ValueError: if an argument is out of its range, or an attention size is
            not that of a feature map.
    """

    def __init__(
        self,
        image_size: ImageSize = 128,
        num_classes: int = 0,
        base_channels: int = 64,
        attention_resolutions: Sequence[int] | None = None,
        attention_options: dict[str, Any] | None = None,
        attention_replacement: str = "attention",
        spectral_normalization: SpectralNorm | None = SpectralNorm(),
        fold_resampling: bool = True,
        channels: int = 3,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.image_size = image_sizes.check(image_size)
        self.channels = channels
        self.num_classes = num_classes
        self.base_channels = base_channels
        if attention_resolutions is None:
            height, _ = image_sizes.sides(image_size)
            attention_resolutions = (height // (4 if height >= 64 else 2),)
        self.attention_resolutions = tuple(attention_resolutions)
        self.attention_options = dict(attention_options or {})
        self.attention_replacement = attention_replacement
        self.spectral_normalization = SpectralNorm.of(spectral_normalization)
        self.fold_resampling = fold_resampling
        self._check()

    def _check(self) -> None:
        for name, least in (("num_classes", 0), ("base_channels", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"`{name}` should be at least {least}. "
                    f"Received: {getattr(self, name)}"
                )
        if self.channels not in CHANNELS:
            raise ValueError(
                f"`channels` should be one of {CHANNELS}. "
                f"Received: {self.channels}"
            )
        if self.attention_replacement not in ATTENTION:
            raise ValueError(
                f"`attention_replacement` should be one of {list(ATTENTION)}. "
                f"Received: {self.attention_replacement!r}"
            )
        possible = self.feature_sizes()
        for size in self.attention_resolutions:
            if size not in possible:
                raise ValueError(
                    "`attention_resolutions` should be among the sizes "
                    f"{possible} of the feature maps. Received: {size}"
                )

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        return (*image_sizes.sides(self.image_size), self.channels)

    def feature_sizes(self) -> tuple[int, ...]:
        """Returns the heights of the maps that the blocks give, in order."""
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
        layer_class = ATTENTION[self.attention_replacement]
        known = layer_class().get_config()
        options = {**self._attention_defaults(), **self.attention_options}
        return layer_class(
            name=f"{self.attention_replacement}_{size}",
            dtype=self.dtype_policy,
            **{name: options[name] for name in options if name in known},
        )

    def _attention_defaults(self) -> dict[str, Any]:
        return {"spectral_normalization": self.spectral_normalization}

    def _normalized(
        self, layer_class: type, *args: Any, **kwargs: Any
    ) -> tf.keras.layers.Layer:
        """Returns a layer of that class, normalized."""
        kwargs.setdefault("dtype", self.dtype_policy)
        return normalized(
            layer_class(*args, **kwargs), self.spectral_normalization
        )

    def _block_options(self, name: str) -> dict[str, Any]:
        return {
            "spectral_normalization": self.spectral_normalization,
            "name": name,
            "dtype": self.dtype_policy,
        }

    def attention_layers(self) -> dict[int, SelfAttention]:
        """Returns the attention layers by the height of their map."""
        return {
            size: layer
            for size, layer in self.stages
            if isinstance(layer, SelfAttention)
        }

    def stage_shapes(
        self,
    ) -> Iterator[tuple[tuple[int, int, int], tf.keras.layers.Layer]]:
        """Yields height, width and channels of each map, and its stage."""
        channels = 0
        for size, stage in self.stages:
            channels = getattr(stage, "filters", channels)
            width = image_sizes.map_width(self.image_size, size)
            yield (size, width, channels), stage

    def spectral_layers(self) -> dict[str, SpectralNormalization]:
        """Returns every spectrally normalized layer by its path."""
        return {
            layer.u.name.split("/", 1)[1].rsplit("/", 1)[0]: layer
            for layer in self.submodules
            if isinstance(layer, SpectralNormalization)
        }

    def diagnostics(self) -> dict[str, float]:
        """Returns what to watch: `gate_SIZE` and `largest_sigma`.

        A gate is that of the attention layer at that height, or of what
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
        ] or kernel_norms(self.variables)
        return {**values, "largest_sigma": max(sigmas)}

    def _walk(
        self, x: tf.Tensor, labels: tf.Tensor | None, want_scores: WantScores
    ) -> tuple[tf.Tensor, dict[int, Any]]:
        scores = {}
        for size, stage in self.stages:
            if isinstance(stage, SelfAttention) and callable(want_scores):
                scores[size] = want_scores(stage, x)
                x = stage(x)
            elif isinstance(stage, SelfAttention) and want_scores:
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
            **arguments(
                self,
                "image_size",
                "num_classes",
                "base_channels",
                "attention_resolutions",
                "attention_options",
                "attention_replacement",
                "spectral_normalization",
                "fold_resampling",
                "channels",
            ),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> StagedNetwork:
        """Rebuilds the network, also of a configuration of version 0.1."""
        attention = dict(config.get("attention_options") or {})
        if attention.get("spectral_options"):
            attention.setdefault(
                "spectral_normalization", config["spectral_normalization"]
            )
        attention = spectral_as_value(attention)
        return cls(
            **{**batch_norm_as_value(config), "attention_options": attention}
        )
