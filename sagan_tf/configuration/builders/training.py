"""From a configuration to the model, its training and its scoring."""

from __future__ import annotations

import ml_collections
import tensorflow as tf

from sagan_tf.configuration.builders.data import (
    build_evaluation_dataset,
    evaluation_split,
)
from sagan_tf.configuration.builders.networks import (
    build_discriminator,
    build_generator,
)
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import generated, preparation
from sagan_tf.evaluation.coherence import coherence, shuffle_halves
from sagan_tf.evaluation.run_scorer import RunScorer
from sagan_tf.evaluation.self_evaluation import LiveWeights, SelfEvaluation
from sagan_tf.gan import SAGAN
from sagan_tf.training import distribution
from sagan_tf.training.callbacks import EverySteps
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.loop import Measure, Schedule
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
        loss=config.loss,
        gradient_penalty_weight=train.gradient_penalty_weight,
        steps_per_execution=train.steps_per_call,
        jit_compile=train.jit_compile,
    )
    return gan


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


def build_measures(config: Config) -> dict[str, Measure]:
    """Returns what can be measured on samples of this data set by itself.

    Coherence is only worth what it exceeds the same samples with their halves
    shuffled: a generator of one colour would score 1 in both.
    """
    if config.dataset.name != "twins":
        return {}
    return {
        "coherence": coherence,
        "coherence_shuffled": lambda images: coherence(
            shuffle_halves(images, seed=0)
        ),
    }


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


def build_self_evaluation(
    config: Config,
    gan: SAGAN,
    dataset: ImageDataset,
    workdir: Workdir,
    checkpoints: Checkpoints,
    every_steps: int,
) -> EverySteps:
    """Builds a callback by which a run scores itself.

    Args:
        config: a validated configuration.
        gan: the model in training.
        dataset: the pictures that are trained on.
        workdir: where the scores go.
        checkpoints: the run's checkpoints, of which the best is kept.
        every_steps: interval in steps, a multiple of that of the checkpoints,
            or the best of them could not be kept.

    Raises:
        UserError: if the interval, the feature network or the real pictures do
            not serve.
    """
    unit = config.checkpoint.every_steps
    if every_steps % unit:
        raise UserError(
            "--evaluate_every should be a multiple of "
            f"config.checkpoint.every_steps ({unit}). Received: {every_steps}"
        )
    options = preparation.Options(
        strategy=distribution.create_strategy("local")
    )
    network = preparation.load_network("auto", dataset.name, options)
    num_images = preparation.default_num_images(network)
    split = evaluation_split(config)
    if split != config.dataset.split:
        dataset = build_evaluation_dataset(config, split)
    evaluator, real_card = preparation.prepare(
        network,
        dataset,
        options=options,
        num_generated=num_images,
        split=split,
    )
    sampler = generated.CheckpointSampler(
        build_generator(config, dtype="float32"),
        [LiveWeights(gan.ema_generator)],
        num_images=num_images,
    )
    scorer = RunScorer(
        evaluator,
        preparation.extend(real_card, **sampler.card()),
        workdir=workdir.path,
        sample=sampler,
        checkpoint_path=checkpoints.path,
    )
    evaluation = SelfEvaluation(scorer, workdir.tensorboard)
    return EverySteps(every_steps, evaluation, config.train.num_steps)
