"""From a configuration to the model and its training."""

from __future__ import annotations

import ml_collections
import tensorflow as tf

from sagan_tf.configuration.builders.networks import (
    build_discriminator,
    build_generator,
)
from sagan_tf.gan import SAGAN, losses
from sagan_tf.training import distribution
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.loop import Schedule
from sagan_tf.training.workdir import Workdir

Config = ml_collections.ConfigDict


def build_gan(config: Config) -> SAGAN:
    """Builds both networks and compiles the adversarial model.

    Call it inside the scope of the run's strategy.
    """
    tf.keras.utils.set_random_seed(config.seed)
    train = config.train
    gan = SAGAN(
        build_generator(config),
        build_discriminator(config),
        discriminator_steps=train.discriminator_steps,
        ema_decay=train.ema_decay,
        ema_start_step=train.ema_start_step,
        gradient_accumulation=train.gradient_accumulation,
        separate_discriminator_passes=train.separate_discriminator_passes,
        seed=config.seed,
        name="sagan",
    )
    optimizer = config.optimizer
    gan.compile(
        _build_adam(config, optimizer.generator_learning_rate),
        _build_adam(config, optimizer.discriminator_learning_rate),
        loss=build_loss(config),
        steps_per_execution=train.steps_per_call,
        jit_compile=train.jit_compile,
    )
    return gan


def build_loss(config: Config) -> losses.AdversarialLoss:
    """Returns the loss of a run, with its penalty's weight.

    Raises:
        UserError: if no loss of that name is registered.
    """
    return losses.get(config.loss, config.train.gradient_penalty_weight)


def _build_adam(
    config: Config, learning_rate: float
) -> tf.keras.optimizers.Optimizer:
    # The legacy class runs one fused kernel per variable, the new one about
    # ten operations.
    return tf.keras.optimizers.legacy.Adam(
        learning_rate,
        beta_1=config.optimizer.beta_1,
        beta_2=config.optimizer.beta_2,
        epsilon=config.optimizer.epsilon,
    )


def build_schedule(config: Config) -> Schedule:
    """Collects when a run does what."""
    return Schedule(
        num_steps=config.train.num_steps,
        batch_size=config.train.batch_size,
        log_every=config.log.every_steps,
        sheet_every=config.log.sheet_every_steps,
        sheet_columns=config.log.sheet_columns,
        sheet_rows=config.log.sheet_rows,
        checkpoint_every=config.checkpoint.every_steps,
    )


def build_checkpoints(config: Config, workdir: Workdir) -> Checkpoints:
    """Opens the checkpoints of a run."""
    return Checkpoints(
        workdir.checkpoints,
        keep=config.checkpoint.keep,
        keep_every=config.checkpoint.keep_every,
    )


def build_strategy(config: Config) -> tf.distribute.Strategy:
    """Builds the distribution strategy of a run, before anything else.

    Raises:
        UserError: if devices or workers are missing, or the batch cannot be
            shared by them.
    """
    section = config.distribution
    strategy = distribution.create_strategy(
        section.strategy,
        section.cluster,
        section.address,
        section.memory_growth,
    )
    distribution.check_batch_size(
        config.train.batch_size, strategy, config.train.gradient_accumulation
    )
    return strategy
