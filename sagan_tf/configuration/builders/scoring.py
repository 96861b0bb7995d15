"""From a configuration to what scores its run; `builders` passes it on."""

from __future__ import annotations

import ml_collections

from sagan_tf.configuration.builders.data import (
    build_dataset,
    evaluation_split,
)
from sagan_tf.configuration.builders.networks import build_generator
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, scoring
from sagan_tf.evaluation.images.generated import Restore
from sagan_tf.evaluation.options import Options
from sagan_tf.evaluation.run_scorer import RunScorer, SelfEvaluation
from sagan_tf.gan import SAGAN
from sagan_tf.networks import Generator
from sagan_tf.training import classes, distribution
from sagan_tf.training.callbacks import EverySteps
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.loop import Measure
from sagan_tf.training.sinks import Records
from sagan_tf.training.termination import StopAfter, Termination
from sagan_tf.training.workdir import Workdir

Config = ml_collections.ConfigDict


def build_measures(config: Config) -> dict[str, Measure]:
    """Returns what can be measured on samples of this data set by itself."""
    data = config.dataset
    setting = metrics.Setting(data.name, data.num_classes, data.channels)
    chosen = metrics.applicable(setting)
    return {m.name: m.of_images for m in chosen if m.of_images is not None}


def build_scorer(
    config: Config,
    workdir: Workdir,
    restore: Restore,
    options: Options,
    *,
    split: str = "",
    dataset: ImageDataset | None = None,
) -> RunScorer:
    """Builds what scores a run, looking at its real images.

    Args:
        workdir: where scores and the best checkpoint go.
        restore: gives a generator the weights of a step.
        options: how to score.
        split: of the real images; empty for the configuration's.
        dataset: the images that are trained on, if they are open.

    Raises:
        UserError: if the feature network or the real images do not serve.
    """
    split = split or evaluation_split(config)
    is_other, trained_on = split != config.dataset.split, None
    order = classes.known_names(workdir)
    if dataset is None or is_other:
        dataset = build_dataset(config, order, split)
    if is_other and (options.cas or options.learns_own):
        trained_on = build_dataset(config, order)
    return scoring.score_run(
        dataset,
        # The dtype of the training machine would make another protocol.
        build_generator(config, dtype="float32"),
        restore,
        data=config.dataset.name,
        split=split,
        workdir=workdir,
        checkpoint_path=Checkpoints(workdir.checkpoints).path,
        options=options,
        trained_on=trained_on,
    )


def build_self_evaluation(
    config: Config,
    gan: SAGAN,
    dataset: ImageDataset,
    workdir: Workdir,
    every_steps: int,
    records: Records,
    **network: str,
) -> EverySteps:
    """Builds a callback by which a run scores itself.

    Args:
        gan: the model in training.
        dataset: the images that are trained on.
        workdir: where the scores go.
        every_steps: interval in steps, a multiple of that of the checkpoints,
            or the best of them could not be kept.
        records: of the run, which take the scores too.
        **network: `features` and `inception_path` of `Options`.

    Raises:
        UserError: if the interval, the feature network or the real images do
            not serve.
    """
    unit = config.checkpoint.every_steps
    if every_steps % unit:
        raise UserError(
            "--evaluate_every should be a multiple of "
            f"config.checkpoint.every_steps ({unit}). Received: {every_steps}"
        )

    def restore(generator: Generator, step: int, averaged: bool) -> None:
        del step, averaged
        pairs = zip(generator.variables, gan.ema_generator.variables)
        for ours, theirs in pairs:
            ours.assign(theirs)

    scorer = build_scorer(
        config,
        workdir,
        restore,
        Options(strategy=distribution.create_strategy("local"), **network),
        dataset=dataset,
    )
    evaluation = SelfEvaluation(scorer, records)
    return EverySteps(every_steps, evaluation, config.train.num_steps)


def build_stop_after(
    config: Config, evaluation: EverySteps, termination: Termination
) -> list[EverySteps]:
    """Builds what ends a run without progress, if the configuration asks.

    Args:
        evaluation: what `build_self_evaluation` gave; it comes first.
        termination: what is told to end the run.
    """
    if not config.train.stop_after:
        return []
    stop = StopAfter(
        termination,
        evaluation.action.scorer.best.step,
        evaluation.interval,
        config.train.stop_after,
    )
    last = config.train.num_steps
    return [EverySteps(evaluation.interval, stop, last, "look at the scores")]
