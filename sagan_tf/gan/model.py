"""The adversarial pair and its training step."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from sagan_tf.gan import averaging, losses, optimization
from sagan_tf.gan.discrimination import discriminator_loss, with_labels
from sagan_tf.gan.latents import draw_for_replica, draw_shares_for_replica


class SAGAN(tf.keras.Model):
    """A generator and a discriminator that learn against each other.

    One training step is a generator update followed by `discriminator_steps`
    discriminator updates, each on fresh latents, fake labels and real
    pictures, as in the release: the generator's batch statistics and vectors
    `u` move in both kinds of update, the discriminator's `u` only on its own
    update. An exponential moving average of the generator's weights, moving
    statistics and vectors is kept beside it.

    Reference: Zhang et al., "Self-Attention Generative Adversarial Networks"
    (arXiv:1805.08318).

    Args:
        generator: a network from `[latents, labels]` (or `latents`) to
            pictures, with `latent_dim` and `num_classes`.
        discriminator: a network from `[images, labels]` (or `images`) to
            logits.
        discriminator_steps: discriminator updates per generator update; a
            batch of data holds pictures for all of them.
        ema_decay: decay per step of the averaged generator, in [0, 1).
        ema_start_step: until this step the average is a copy.
        gradient_accumulation: parts that every update takes its batch in, to
            save memory; the same step, but batch statistics are of a part.
        separate_discriminator_passes: whether a discriminator update runs the
            real and the fake half one after the other, with a power iteration
            for each as in the release; by default both go through one pass.
        seed: seed of latents and fake labels, which depend on it, on the step
            and on nothing else.
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
        gradient_accumulation: int = 1,
        separate_discriminator_passes: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        for name, value in (
            ("discriminator_steps", discriminator_steps),
            ("gradient_accumulation", gradient_accumulation),
        ):
            if value < 1:
                raise ValueError(
                    f"`{name}` should be at least 1. Received: {value}"
                )
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
        self.discriminator_steps = discriminator_steps
        self.ema_decay, self.ema_start_step = ema_decay, ema_start_step
        self.gradient_accumulation = gradient_accumulation
        self.separate_discriminator_passes = separate_discriminator_passes
        self.seed = seed
        # Each replica's metrics are global; Keras would add the workers' up.
        self.distribute_reduction_method = "first"
        self.step = optimization.counter("step", 0)
        self.nonfinite_step = optimization.counter("nonfinite_step", -1)
        self.trackers = {
            name: tf.keras.metrics.Mean(name)
            for name in ("d_loss", "g_loss", "d_real", "d_fake")
        }
        self._build_networks()

    def _build_networks(self) -> None:
        """Creates all variables, with the average starting as a copy."""
        labels = tf.zeros((1,), tf.int32)
        latents = tf.zeros((1, self.generator.latent_dim))
        images = self.generator(with_labels(self.generator, latents, labels))
        self.ema_generator(with_labels(self.generator, latents, labels))
        self.discriminator(with_labels(self.discriminator, images, labels))
        for average, weight in self._averaged():
            average.assign(weight)

    def _averaged(self) -> list[tuple[tf.Variable, tf.Variable]]:
        return list(zip(self.ema_generator.variables, self.generator.variables))

    def compile(
        self,
        generator_optimizer: tf.keras.optimizers.Optimizer,
        discriminator_optimizer: tf.keras.optimizers.Optimizer,
        loss: str = "hinge",
        gradient_penalty_weight: float | None = None,
        **kwargs: Any,
    ) -> None:
        """Sets the optimizers and the loss.

        Args:
            generator_optimizer: legacy Keras optimizer of the generator.
            discriminator_optimizer: that of the discriminator; with another
                rate this is the two time-scale update rule (TTUR).
            loss: name of a loss in `gan.losses`; `"wasserstein"` is meant
                for a discriminator without spectral normalization.
            gradient_penalty_weight: of the penalty, where the loss has one.
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
        self.adversarial_loss = losses.get(loss, gradient_penalty_weight)

    @property
    def metrics(self) -> list[tf.keras.metrics.Metric]:
        """The running means: both losses and the mean logits."""
        return list(self.trackers.values())

    def call(self, inputs: Any, training: Any = None) -> tf.Tensor:
        """Draws pictures with the averaged generator."""
        return self.ema_generator(inputs, training=False)

    # No Python here hangs on a tensor: converting would only take time.
    @tf.autograph.experimental.do_not_convert
    def train_step(self, data: tuple[tf.Tensor, tf.Tensor]) -> dict[str, Any]:
        """Runs one generator update and the discriminator's updates.

        Args:
            data: images `(batch * discriminator_steps, height, width, 3)` in
                [-1, 1] and labels `(batch * discriminator_steps,)`.

        Returns:
            Running means: `d_loss`, `g_loss`, `d_real` and `d_fake` (mean
            logits of real and of generated pictures).
        """
        images = tf.split(data[0], self.discriminator_steps)
        labels = tf.split(tf.cast(data[1], tf.int32), self.discriminator_steps)
        batch_size = images[0].shape[0] or tf.shape(images[0])[0]
        g_loss = self.update_generator(*self.draw_inputs(batch_size, 0))
        for index in range(self.discriminator_steps):
            d_loss, d_real, d_fake = self.update_discriminator(
                images[index],
                labels[index],
                *self.draw_inputs(batch_size, index + 1),
                *self._draw_shares(batch_size, index + 1),
            )
        self._update_average()
        return self._record(
            d_loss=d_loss, g_loss=g_loss, d_real=d_real, d_fake=d_fake
        )

    def draw_inputs(
        self, batch_size: Any, update: int
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws this replica's latents and fake labels for an update.

        Args:
            batch_size: pictures per replica.
            update: number of the update within the step, 0 for the generator.
        """
        return draw_for_replica(
            batch_size,
            self.generator.latent_dim,
            self.generator.num_classes,
            seed=self._seed_of(update),
        )

    def _draw_shares(self, batch_size: Any, update: int) -> list[tf.Tensor]:
        """Draws what mixes real and generated pictures, for a penalty."""
        if not self.adversarial_loss.penalty_weight:
            return []
        return [draw_shares_for_replica(batch_size, self._seed_of(update))]

    def _seed_of(self, update: int) -> tf.Tensor:
        number = self.step * (1 + self.discriminator_steps) + update
        return tf.stack((tf.constant(self.seed, tf.int64), number))

    def update_generator(
        self, latents: tf.Tensor, labels: tf.Tensor
    ) -> tf.Tensor:
        """Updates the generator once; returns its loss."""

        def compute(latents: tf.Tensor, labels: tf.Tensor) -> Any:
            fakes = self.generator(
                with_labels(self.generator, latents, labels), training=True
            )
            logits = self.discriminator(
                with_labels(self.discriminator, fakes, labels), training=False
            )
            return (self.adversarial_loss.generator(logits),)

        (loss,) = optimization.minimize(
            self.generator_optimizer,
            self.generator.trainable_variables,
            compute,
            (latents, labels),
            self.gradient_accumulation,
            self.generator.non_trainable_variables,
        )
        return loss

    def update_discriminator(
        self,
        images: tf.Tensor,
        labels: tf.Tensor,
        latents: tf.Tensor,
        fake_labels: tf.Tensor,
        shares: tf.Tensor | None = None,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Updates the discriminator once; returns loss and mean logits."""
        batch = (images, labels, latents, fake_labels, shares)

        def compute(images: tf.Tensor, labels: tf.Tensor, *rest: Any) -> Any:
            latents, fake_labels, *shares = rest
            fakes = self.generator(
                with_labels(self.generator, latents, fake_labels), training=True
            )
            return discriminator_loss(
                self.discriminator,
                self.adversarial_loss,
                (images, labels),
                (tf.stop_gradient(fakes), fake_labels),
                *shares,
                separately=self.separate_discriminator_passes,
            )

        return optimization.minimize(
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            compute,
            [x for x in batch if x is not None],
            self.gradient_accumulation,
            self.discriminator.non_trainable_variables
            + self.generator.non_trainable_variables,
        )

    def _update_average(self) -> None:
        """Moves the averaged generator, then counts the step."""
        started = self.step >= self.ema_start_step
        averaging.move(
            self._averaged(), 1.0 - tf.where(started, self.ema_decay, 0.0)
        )
        self.step.assign_add(1)

    def _record(self, **values: tf.Tensor) -> dict[str, tf.Tensor]:
        """Averages the metrics and notes the first step that is not finite."""
        context = tf.distribute.get_replica_context()
        names, stacked = list(values), tf.stack(list(values.values()))
        if context.num_replicas_in_sync > 1:
            stacked = context.all_reduce(tf.distribute.ReduceOp.MEAN, stacked)
        broken = tf.logical_not(tf.reduce_all(tf.math.is_finite(stacked)))
        noted = self.nonfinite_step
        first = tf.logical_and(broken, noted < 0)
        noted.assign(tf.where(first, self.step, noted))
        for name, value in zip(names, tf.unstack(stacked)):
            self.trackers[name].update_state(value)
        return {name: self.trackers[name].result() for name in names}
