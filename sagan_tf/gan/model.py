"""The adversarial pair and its training step."""

from __future__ import annotations

from typing import Any, Sequence

import tensorflow as tf

from sagan_tf.gan import discrimination, losses, optimization, step_metrics
from sagan_tf.gan.augmenter import Augmenter
from sagan_tf.gan.discrimination import discriminator_loss, with_labels
from sagan_tf.gan.latents import (
    SHARES,
    draw_for_replica,
    draw_uniform_for_replica,
)
from sagan_tf.gan.pair import AdversarialPair


class SAGAN(AdversarialPair):
    """A generator and a discriminator that learn against each other.

    One training step is a generator update followed by `discriminator_steps`
    discriminator updates, each on fresh latents, fake labels and real
    images, as in the release: the generator's batch statistics and vectors
    `u` move in both kinds of update, the discriminator's `u` only on its own
    update. An exponential moving average of the generator's weights, moving
    statistics and vectors is kept beside it.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318).

    Args:
        generator: a network from `[latents, labels]` (or `latents`) to
            images, with `latent_dim` and `num_classes`.
        discriminator: a network from `[images, labels]` (or `images`) to
            logits.
        discriminator_steps: discriminator updates per generator update; a
            batch of data holds images for all of them.
        ema_decay: decay per step of the averaged generator, in [0, 1).
        ema_start_step: until this step the average is a copy.
        ema_warmup: whether the n-th step of the average has a decay of at most
            (1 + n) / (10 + n), so that it soon forgets how it began.
        gradient_accumulation: parts that every update takes its batch in, to
            save memory; the same step, but batch statistics are of a part.
        separate_discriminator_passes: whether a discriminator update runs the
            real and the fake half one after the other, with a power iteration
            for each as in the release; by default both go through one pass.
        augmenter: changes what the discriminator sees; None for nothing.
        seed: seed of latents, fake labels and augmentation, which depend on
            it, on the step and on nothing else.
        class_shares: how often each class is a fake label; equally by default.
        **kwargs: keyword arguments of `tf.keras.Model`.

    Raises:
        ValueError: if a number is out of its range, or the networks differ in
            `num_classes`.

    Example:

    >>> gan = SAGAN(generator, discriminator)
    >>> adam = tf.keras.optimizers.legacy.Adam
    >>> gan.compile(adam(1e-4, beta_1=0.0), adam(4e-4, beta_1=0.0))
    >>> gan.fit(dataset, steps_per_epoch=1000)
    """

    def __init__(
        self,
        generator: tf.keras.Model,
        discriminator: tf.keras.Model,
        discriminator_steps: int = 1,
        ema_decay: float = 0.999,
        ema_start_step: int = 0,
        ema_warmup: bool = True,
        gradient_accumulation: int = 1,
        separate_discriminator_passes: bool = False,
        augmenter: Augmenter | None = None,
        seed: int = 0,
        class_shares: Sequence[float] | None = None,
        **kwargs: Any,
    ):
        for name, value in (
            ("discriminator_steps", discriminator_steps),
            ("gradient_accumulation", gradient_accumulation),
        ):
            if value < 1:
                raise ValueError(
                    f"`{name}` should be at least 1. Received: {value}"
                )
        super().__init__(
            generator,
            discriminator,
            ema_decay,
            ema_start_step,
            ema_warmup,
            **kwargs,
        )
        self.discriminator_steps = discriminator_steps
        self.gradient_accumulation = gradient_accumulation
        self.separate_discriminator_passes = separate_discriminator_passes
        self.augmenter = augmenter or Augmenter()
        self.seed = seed
        self.class_shares = class_shares
        # Each replica's metrics are global; Keras would add the workers' up.
        self.distribute_reduction_method = "first"
        self.nonfinite_step = optimization.counter("nonfinite_step", -1)
        self.trackers: dict[str, tf.keras.metrics.Metric] = {}

    def compile(
        self,
        generator_optimizer: tf.keras.optimizers.Optimizer,
        discriminator_optimizer: tf.keras.optimizers.Optimizer,
        loss: losses.Loss = "hinge",
        gradient_penalty_weight: float | None = None,
        r1_weight: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Sets the optimizers and the loss.

        Args:
            generator_optimizer: legacy Keras optimizer of the generator.
            discriminator_optimizer: that of the discriminator; with another
                rate this is the two time-scale update rule (TTUR).
            loss: as `gan.losses.get` takes it: a name, an `AdversarialLoss`
                or a pair of functions; `"wasserstein"` is meant for a
                discriminator without spectral normalization.
            gradient_penalty_weight: of the penalty, where the loss has one.
            r1_weight: of R1 where it has none; 0 for no penalty.
            **kwargs: `steps_per_execution` or `jit_compile` of Keras.
        """
        self.generator_optimizer = optimization.prepare(
            generator_optimizer, self.generator
        )
        self.discriminator_optimizer = optimization.prepare(
            discriminator_optimizer, self.discriminator
        )
        # Keras would make one of its own, and put it into the checkpoints.
        super().compile(optimizer=self.generator_optimizer, **kwargs)
        self.adversarial_loss = losses.get(
            loss, gradient_penalty_weight, r1_weight
        )
        penalized = self.adversarial_loss.penalty is not None
        names = [*discrimination.NAMES[: 4 + penalized], "g_loss"]
        if self.augmenter.probability is not None:
            names.append("augmentation")
        self.trackers = {name: tf.keras.metrics.Mean(name) for name in names}

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """The running means: losses, mean logits and the penalty."""
        return list(self.trackers.values())

    # No Python here hangs on a tensor: converting would only take time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Runs one generator update and the discriminator's updates.

        Args:
            data: images `(batch * discriminator_steps, height, width,
                channels)` in [-1, 1] and labels
                `(batch * discriminator_steps,)`.

        Returns:
            Running means: `d_loss`, `g_loss`, `d_real` and `d_fake` (mean
            logits of real and of generated images), `d_real_sign` (mean sign
            of real ones'), `gradient_penalty` (without its weight) if the loss
            has one, and `augmentation`, a probability, if it adapts.
        """
        images = tf.split(data[0], self.discriminator_steps)
        labels = tf.split(tf.cast(data[1], tf.int32), self.discriminator_steps)
        batch_size = images[0].shape[0] or tf.shape(images[0])[0]
        g_loss = self.update_generator(
            *self.draw_inputs(batch_size, 0), self._draw_numbers(batch_size, 0)
        )
        for index in range(self.discriminator_steps):
            found = self.update_discriminator(
                images[index],
                labels[index],
                *self.draw_inputs(batch_size, index + 1),
                self._draw_shares(batch_size, index + 1),
                self._draw_numbers(batch_size, index + 1),
            )
        self.update_average()
        values = {**dict(zip(discrimination.NAMES, found)), "g_loss": g_loss}
        sign, count = values["d_real_sign"], batch_size * len(images)
        values.update(self.augmenter.adapt(sign, count))
        return step_metrics.record(
            self.trackers, values, self.step, self.nonfinite_step
        )

    def draw_inputs(
        self, batch_size: Any, update: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws this replica's latents and fake labels for an update.

        Args:
            batch_size: images per replica.
            update: number of the update within the step, 0 for the generator.
        """
        return draw_for_replica(
            batch_size,
            self.generator.latent_dim,
            self.generator.num_classes,
            seed=self._seed_of(update),
            class_shares=self.class_shares,
        )

    def _draw_shares(self, batch_size: Any, update: int) -> tf.Tensor:
        """Draws this replica's shares of real images in mixtures."""
        seed = self._seed_of(update)
        return draw_uniform_for_replica(batch_size, seed, SHARES)

    def _draw_numbers(self, batch_size: Any, update: int) -> tf.Tensor:
        """Draws this replica's numbers for the augmentation."""
        return self.augmenter.draw(batch_size, self._seed_of(update))

    def _seed_of(self, update: int) -> tf.Tensor:
        number = self.step * (1 + self.discriminator_steps) + update
        return tf.stack((tf.constant(self.seed, tf.int64), number))

    def update_generator(
        self,
        latents: tf.Tensor,
        labels: tf.Tensor,
        numbers: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """Updates the generator once; returns its loss.

        The numbers are those of `Augmenter.draw`; without them they are drawn.
        """

        def compute(
            latents: tf.Tensor, labels: tf.Tensor, numbers: tf.Tensor
        ) -> Any:
            fakes = self.augmenter.fake(self._draw(latents, labels), numbers)
            logits = self.discriminator(
                with_labels(self.discriminator, fakes, labels), training=False
            )
            return (self.adversarial_loss.generator(logits),)

        if numbers is None:
            numbers = self._draw_numbers(tf.shape(labels)[0], 0)
        (loss,) = optimization.minimize(
            self.generator_optimizer,
            self.generator.trainable_variables,
            compute,
            (latents, labels, numbers),
            self.gradient_accumulation,
            self.generator.non_trainable_variables,
        )
        return loss

    def _draw(self, latents: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        inputs = with_labels(self.generator, latents, labels)
        return self.generator(inputs, training=True)

    def update_discriminator(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        latents: tf.Tensor,
        fake_labels: tf.Tensor,
        shares: tf.Tensor | float = 0.5,
        numbers: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, ...]:
        """Updates the discriminator once: what `discriminator_loss` returns.

        The batch is real images and their labels, and latents and labels of as
        many generated ones; `shares` is that of the real image in each mixture
        for a penalty, or one number for all; `numbers` are as
        `update_generator` takes them.
        """

        def compute(images: tf.Tensor, labels: tf.Tensor, *rest: Any) -> Any:
            latents, fake_labels, shares, numbers = rest
            fakes = tf.stop_gradient(self._draw(latents, fake_labels))
            images = self.augmenter.real(images, numbers)
            fakes = self.augmenter.fake(fakes, numbers)
            return discriminator_loss(
                self.discriminator,
                self.adversarial_loss,
                (images, labels),
                (fakes, fake_labels),
                shares,
                separately=self.separate_discriminator_passes,
            )

        shares = tf.broadcast_to(shares, tf.shape(labels))
        if numbers is None:
            numbers = self._draw_numbers(tf.shape(labels)[0], 1)
        return optimization.minimize(
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            compute,
            (images, labels, latents, fake_labels, shares, numbers),
            self.gradient_accumulation,
            self.discriminator.non_trainable_variables
            + self.generator.non_trainable_variables,
        )
