"""Our training step and our generation, as calls without arguments."""

from __future__ import annotations

import dataclasses
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.networks import bake


@dataclasses.dataclass(frozen=True)
class Setting:
    """What both sides of a comparison share.

    Attributes:
        image_size: height and width in pixels.
        base_channels: width of both networks.
        batch_size: images in an update.
        num_classes: number of classes.
        attention_resolutions: sizes of the maps with attention.
        attention_options: further arguments of our attention.
        latent_dim: numbers in a latent.
    """

    image_size: int = 128
    base_channels: int = 32
    batch_size: int = 16
    num_classes: int = 1000
    attention_resolutions: tuple[int, ...] = (32,)
    attention_options: dict[str, Any] = dataclasses.field(default_factory=dict)
    latent_dim: int = 128

    def draw(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns latents, labels and images of one batch."""
        random, count = np.random.default_rng(0), self.batch_size
        shape = (count, self.image_size, self.image_size, 3)
        return (
            random.standard_normal((count, self.latent_dim), np.float32),
            random.integers(0, self.num_classes, count, np.int32),
            random.uniform(-1.0, 1.0, shape).astype(np.float32),
        )


def _shared(setting: Setting, dtype: str) -> dict[str, Any]:
    return {
        "image_size": setting.image_size,
        "num_classes": setting.num_classes,
        "base_channels": setting.base_channels,
        "attention_options": setting.attention_options,
        "dtype": dtype,
    }


def _build_generator(setting: Setting, dtype: str) -> Generator:
    return Generator(
        latent_dim=setting.latent_dim,
        attention_resolutions=tuple(setting.attention_resolutions),
        **_shared(setting, dtype),
    )


def build(setting: Setting, dtype: str) -> SAGAN:
    """Builds and compiles the adversarial pair."""
    # The discriminator has no map of the images' own size.
    largest = setting.image_size // 2
    sizes = tuple(min(n, largest) for n in setting.attention_resolutions)
    gan = SAGAN(
        _build_generator(setting, dtype),
        Discriminator(**_shared(setting, dtype), attention_resolutions=sizes),
    )
    adam = tf.keras.optimizers.legacy.Adam
    gan.compile(
        adam(1e-4, beta_1=0.0, epsilon=1e-8),
        adam(4e-4, beta_1=0.0, epsilon=1e-8),
    )
    return gan


def training_step(setting: Setting, dtype: str) -> Any:
    """Traces one generator and one discriminator update.

    Returns:
        A concrete function of images and labels.
    """
    gan = build(setting, dtype)
    _, labels, images = setting.draw()

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        return gan.train_step((images, labels))["d_loss"]

    concrete = step.get_concrete_function(
        tf.TensorSpec(images.shape, tf.float32),
        tf.TensorSpec(labels.shape, tf.int32),
    )
    concrete.gan = gan  # Keeps the variables alive.
    return concrete


def trainer(setting: Setting, dtype: str) -> Callable[[], float]:
    """Returns a call that trains for one step."""
    step = training_step(setting, dtype)
    _, labels, images = (tf.constant(array) for array in setting.draw())
    return lambda: float(step(images, labels))


def drawing(setting: Setting, dtype: str) -> Any:
    """Traces a baked generator.

    Returns:
        A concrete function of latents and labels.
    """
    generator = _build_generator(setting, dtype)
    latents, labels, _ = setting.draw()
    generator([latents[:1], labels[:1]])
    baked = bake(generator)
    draw = tf.function(lambda latents, labels: baked([latents, labels]))
    concrete = draw.get_concrete_function(
        tf.TensorSpec(latents.shape, tf.float32),
        tf.TensorSpec(labels.shape, tf.int32),
    )
    concrete.baked = baked  # Keeps the variables alive.
    return concrete


def sampler(setting: Setting, dtype: str) -> Callable[[], np.ndarray]:
    """Returns a call that draws one batch of images."""
    draw = drawing(setting, dtype)
    latents, labels, _ = (tf.constant(array) for array in setting.draw())
    return lambda: draw(latents, labels).numpy()
