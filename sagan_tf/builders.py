"""From a configuration to the parts of a run: the config ends here."""

from __future__ import annotations

from typing import Any

import ml_collections
import tensorflow as tf

from sagan_tf import data_builders
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import generated, preparation
from sagan_tf.evaluation.coherence import coherence, shuffle_halves
from sagan_tf.evaluation.run_scorer import RunScorer
from sagan_tf.evaluation.self_evaluation import LiveWeights, SelfEvaluation
from sagan_tf.gan import SAGAN
from sagan_tf.interop import tfgan
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.training import distribution
from sagan_tf.training.callbacks import EverySteps
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.loop import Measure, Schedule
from sagan_tf.training.workdir import Workdir

Config = ml_collections.ConfigDict

# The pictures have a room of their own, behind the same door.
build_dataset = data_builders.build_dataset
build_evaluation_dataset = data_builders.build_evaluation_dataset
evaluation_split = data_builders.evaluation_split
class_names = data_builders.class_names


def build_generator(config: Config, **overrides: Any) -> Generator:
    """Builds the generator.

    Args:
        config: a validated configuration.
        **overrides: arguments of `Generator` that replace the config's.
    """
    arguments = {
        **_network_arguments(config, config.model.attention_resolutions),
        "latent_dim": config.model.latent_dim,
        "base_channels": config.model.base_channels,
        "momentum": config.model.batch_norm_momentum,
        "output_momentum": config.model.output_batch_norm_momentum,
        "norm_epsilon": config.model.batch_norm_epsilon,
        "synchronized_norm": config.model.synchronized_batch_norm,
        "name": "generator",
    }
    return Generator(**{**arguments, **overrides})


def build_discriminator(config: Config) -> Discriminator:
    """Builds the discriminator."""
    model = config.model
    resolutions = model.discriminator_attention_resolutions
    if resolutions == (0,):
        resolutions = model.attention_resolutions
    return Discriminator(
        **_network_arguments(config, resolutions),
        base_channels=model.discriminator_base_channels or model.base_channels,
        name="discriminator",
    )


def _network_arguments(
    config: Config, attention_resolutions: tuple[int, ...]
) -> dict[str, Any]:
    model = config.model
    options, attention_options = {}, {}
    if model.spectral_normalization == "tfgan":
        options = tfgan.NAMING.options
        attention_options = tfgan.NAMING.attention_options
    return {
        **options,
        "image_size": config.dataset.image_size,
        "num_classes": config.dataset.num_classes,
        "attention_resolutions": attention_resolutions,
        "attention_options": {
            **attention_options,
            "key_divisor": model.attention_key_divisor,
            "value_divisor": model.attention_value_divisor,
            "pooled": model.attention_pooling,
        },
        "fold_resampling": model.fold_resampling,
        "dtype": resolve_dtype(config.dtype),
    }


def resolve_dtype(name: str) -> str:
    """Returns the dtype policy that a name means on this machine.

    Args:
        name: a dtype policy, or `"auto"`: `mixed_bfloat16` where the device
            computes in bfloat16 natively, else `float32`.
    """
    if name != "auto":
        return name
    native = distribution.has_native_bfloat16()
    return "mixed_bfloat16" if native else "float32"


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
        section.strategy, section.cluster, section.address
    )
    distribution.check_batch_size(config.train.batch_size, strategy)
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
    return EverySteps(every_steps, SelfEvaluation(scorer, workdir.tensorboard))
