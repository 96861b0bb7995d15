"""The bases of generators and of discriminators."""

from __future__ import annotations

from typing import Any

from sagan_tf.layers.options import BatchNorm, arguments
from sagan_tf.networks.stages import StagedNetwork


class StagedGenerator(StagedNetwork):
    """A network from latents to images.

    Args:
        latent_dim: length of a latent.
        batch_norm: how features are normalized.
        **kwargs: arguments of `StagedNetwork`.

    Raises:
        ValueError: as `StagedNetwork` does, or if `latent_dim` is less than 1.
    """

    def __init__(
        self,
        latent_dim: int = 128,
        batch_norm: BatchNorm = BatchNorm(),
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if latent_dim < 1:
            raise ValueError(
                f"`latent_dim` should be at least 1. Received: {latent_dim}"
            )
        self.latent_dim = latent_dim
        self.batch_norm = BatchNorm.of(batch_norm)

    def _input_shape(self) -> tuple[int, ...]:
        return (self.latent_dim,)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        names = ("latent_dim", "batch_norm")
        return {**super().get_config(), **arguments(self, *names)}


class StagedDiscriminator(StagedNetwork):
    """A network from images to logits."""

    def freeze(self, blocks: int) -> None:
        """Keeps the first blocks, next to the image, as they are.

        Reference: Mo et al., "Freeze the Discriminator" (arXiv:2002.10964).

        Args:
            blocks: how many; what attends behind the last one learns on.

        Raises:
            ValueError: if there are not so many.
        """
        total = len(self.feature_sizes())
        if not 0 <= blocks <= total:
            raise ValueError(
                f"`blocks` should be from 0 to {total}. Received: {blocks}"
            )
        for _, stage in self.stages:
            if not blocks:
                break
            stage.trainable = False
            # What attends has no filters.
            blocks -= hasattr(stage, "filters")

    def _input_shape(self) -> tuple[int, ...]:
        return self.image_shape
