"""Both networks as `.keras` files, which Keras loads with this package."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.exporting.saved_model import card_text, check_free
from sagan_tf.gan import latents as latent_numbers
from sagan_tf.networks.sides import StagedDiscriminator, StagedGenerator
from sagan_tf.whole_files import replacing

_NUM_IMAGES, _SEED = 3, 97


def export_keras(
    generator: StagedGenerator,
    discriminator: StagedDiscriminator,
    path: storage.PathLike,
    card: dict[str, Any] | None = None,
) -> float:
    """Writes `generator.keras`, `discriminator.keras` and `model_card.json`.

    `tf.keras.models.load_model` reads them once `sagan_tf` is imported, and
    they train on.

    Args:
        generator: a built generator.
        discriminator: a built discriminator.
        path: the directory to write; it must not exist, or be empty.
        card: what the model card says beside the sizes.

    Returns:
        The greatest difference of what is read again: of images in [-1, 1] and
        of their logits.

    Raises:
        UserError: if the directory is taken, or what is read again computes
            something else; then none is left.
    """
    path = storage.at(path)
    check_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    networks = {"generator": generator, "discriminator": discriminator}
    with replacing(path, last="model_card.json") as aside:
        aside.mkdir()
        for name, network in networks.items():
            network.save(aside / f"{name}.keras")
        again = [
            tf.keras.models.load_model(aside / f"{name}.keras")
            for name in networks
        ]
        difference = _difference(networks.values(), again)
        if difference != 0.0:
            raise UserError(
                "what is read again should compute the same. Received: a "
                f"difference of {difference:.3g}"
            )
        text = card_text(generator, {**(card or {}), "difference": difference})
        (aside / "model_card.json").write_text(text)
    return difference


def _difference(networks: Any, again: Any) -> float:
    return max(
        float(np.abs(ours - theirs).max())
        for ours, theirs in zip(_run(*networks), _run(*again))
    )


def _run(
    generator: StagedGenerator, discriminator: StagedDiscriminator
) -> tuple[np.ndarray, np.ndarray]:
    latents = latent_numbers.draw(_NUM_IMAGES, generator.latent_dim, _SEED)
    labels = np.arange(_NUM_IMAGES) % max(generator.num_classes, 1)
    classes = [labels.astype(np.int32)] if generator.num_classes else []
    images = generator([latents, *classes] if classes else latents)
    logits = discriminator([images, *classes] if classes else images)
    return images.numpy(), logits.numpy()
