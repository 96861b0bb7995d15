"""From a configuration to the model and its training."""

from __future__ import annotations

from typing import Sequence

import ml_collections
import tensorflow as tf

from sagan_tf.configuration.builders.networks import (
    build_discriminator,
    build_generator,
)
from sagan_tf.configuration.fields import FIELDS
from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN, losses, optimizers
from sagan_tf.gan.augmenter import Augmenter
from sagan_tf.gan.rates import LearningRate
from sagan_tf.training import distribution
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.loop import Schedule
from sagan_tf.training.sinks import JsonLines, Records, TensorBoard
from sagan_tf.training.weights_and_biases import WeightsAndBiases
from sagan_tf.training.workdir import Workdir

Config = ml_collections.ConfigDict


def build_gan(
    config: Config, class_shares: Sequence[float] | None = None
) -> SAGAN:
    """Builds both networks and compiles the adversarial model.

    Call it inside the scope of the run's strategy.

    Args:
        class_shares: how often each class is a fake label; see `SAGAN`.
    """
    tf.keras.utils.set_random_seed(config.seed)
    train = config.train
    discriminator = build_discriminator(config)
    discriminator.freeze(train.freeze_discriminator)
    gan = SAGAN(
        build_generator(config),
        discriminator,
        discriminator_steps=train.discriminator_steps,
        ema_decay=train.ema_decay,
        ema_start_step=train.ema_start_step,
        ema_warmup=train.ema_warmup,
        gradient_accumulation=train.gradient_accumulation,
        separate_discriminator_passes=train.separate_discriminator_passes,
        augmenter=Augmenter(
            train.augmentation,
            train.augmentation_target,
            train.augmentation_images,
        ),
        seed=config.seed,
        class_shares=class_shares,
        name="sagan",
    )
    rates = config.optimizer
    gan.compile(
        _build_optimizer(config, rates.generator_learning_rate, 1),
        _build_optimizer(
            config,
            rates.discriminator_learning_rate,
            train.discriminator_steps,
        ),
        loss=build_loss(config),
        steps_per_execution=train.steps_per_call,
        jit_compile=train.jit_compile,
    )
    return gan


def build_loss(config: Config) -> losses.AdversarialLoss:
    """Returns the loss of a run, with the weight of its penalty or of R1.

    Raises:
        UserError: if no loss of that name is registered, or it has a penalty
            beside R1.
    """
    train = config.train
    return losses.get(
        config.loss, train.gradient_penalty_weight, train.r1_weight
    )


def _build_optimizer(
    config: Config, learning_rate: float, updates_per_step: int
) -> tf.keras.optimizers.Optimizer:
    fields = config.optimizer
    rate = LearningRate(
        learning_rate,
        fields.schedule,
        fields.warmup_steps,
        fields.end_step or config.train.num_steps,
        fields.end_share,
        updates_per_step,
    )
    return optimizers.create(fields.name, rate, **_options(fields))


def _options(fields: Config) -> dict[str, float]:
    """Returns what the optimizer takes.

    Raises:
        UserError: if there is no such optimizer, or it takes nothing of what
            was set.
    """
    try:
        taken, given = optimizers.options_of(fields.name), {}
    except ValueError as error:
        raise UserError(f"config.optimizer.name should be {error}") from error
    for option in ("beta_1", "beta_2", "epsilon", "weight_decay"):
        name, value = f"optimizer.{option}", fields[option]
        if option in taken:
            given[option] = value
        elif value != FIELDS[name].default:
            raise UserError(
                f"config.{name} should be left at its default "
                f"({FIELDS[name].default}) with config.optimizer.name="
                f"{fields.name}, which takes none. Received: {value}"
            )
    return given


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
        steps_per_call=config.train.steps_per_call,
    )


def build_records(config: Config, gan: SAGAN, workdir: Workdir) -> Records:
    """Opens the records of a run where its model stands.

    Raises:
        UserError: if Weights & Biases is asked for and does not answer.
    """
    more, step = [], int(gan.step.numpy())
    if config.log.wandb and distribution.is_chief(gan.distribute_strategy):
        more = [WeightsAndBiases(config.log.wandb, workdir)]
    lines = JsonLines(workdir.metrics, step)
    events = TensorBoard(workdir.tensorboard, step)
    return Records([lines, events, *more], lines.kept)


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
