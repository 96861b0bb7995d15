"""Both networks and the averaged generator, as one Keras model."""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from sagan_tf.gan import averaging, optimization
from sagan_tf.gan.discrimination import with_labels
from sagan_tf.gan.sampling import Sampler


class AdversarialPair(tf.keras.Model):
    """A generator, a discriminator, and an average of the generator's weights.

    The exponential moving average is of weights, moving statistics and vectors
    of spectral normalization alike. `SAGAN` says what the arguments are.
    """

    def __init__(
        self,
        generator: tf.keras.Model,
        discriminator: tf.keras.Model,
        ema_decay: float = 0.999,
        ema_start_step: int = 0,
        ema_warmup: bool = True,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 <= ema_decay < 1:
            raise ValueError(
                f"`ema_decay` should be in [0, 1). Received: {ema_decay}"
            )
        if generator.num_classes != discriminator.num_classes:
            raise ValueError(
                "the networks should have the same `num_classes`. Received: "
                f"{generator.num_classes} and {discriminator.num_classes}"
            )
        self.generator, self.discriminator = generator, discriminator
        self.ema_generator = type(generator).from_config(
            {**generator.get_config(), "name": "ema_generator"}
        )
        self.ema_decay, self.ema_start_step = ema_decay, ema_start_step
        self.ema_warmup = ema_warmup
        self.step = optimization.counter("step", 0)
        self._build_networks()

    def _build_networks(self) -> None:
        """Creates all variables, with the average starting as a copy."""
        labels = tf.zeros((1,), tf.int32)
        latents = tf.zeros((1, self.generator.latent_dim))
        images = self.generator(with_labels(self.generator, latents, labels))
        self.ema_generator(with_labels(self.generator, latents, labels))
        self.discriminator(with_labels(self.discriminator, images, labels))
        self.restart_average()

    def restart_average(self) -> None:
        """Makes the averaged generator a copy."""
        for average, weight in self._averaged():
            average.assign(weight)

    def _averaged(self) -> list[tuple[tf.Variable, tf.Variable]]:
        return list(zip(self.ema_generator.variables, self.generator.variables))

    def call(self, inputs: Any, training: Any = None) -> tf.Tensor:
        """Draws images with the averaged generator."""
        return self.ema_generator(inputs, training=False)

    @functools.cached_property
    def sampler(self) -> Sampler:
        """Draws with the averaged generator; one, so that it is traced once."""
        return Sampler(self.ema_generator)

    def learning_rates(self) -> dict[str, float]:
        """Returns `generator/learning_rate` and the discriminator's."""
        return {
            f"{name}/learning_rate": optimization.learning_rate(optimizer)
            for name, optimizer in self.optimizers.items()
        }

    @property
    def optimizers(self) -> dict[str, Any]:
        """Returns the optimizers by their network."""
        return {
            "generator": self.generator_optimizer,
            "discriminator": self.discriminator_optimizer,
        }

    def update_average(self) -> None:
        """Moves the averaged generator, then counts the step."""
        taken = tf.cast(self.step - self.ema_start_step, tf.float32)
        decay = self.ema_decay
        if self.ema_warmup:
            # As `tf.train.ExponentialMovingAverage` does it.
            decay = tf.minimum(decay, (1.0 + taken) / (10.0 + taken))
        # Before its first step the warm-up has no meaning, nor a number.
        decay = tf.where(taken >= 0.0, decay, 0.0)
        averaging.move(self._averaged(), 1.0 - decay)
        self.step.assign_add(1)
