"""A run that scores itself while it trains."""

from __future__ import annotations

import os

import tensorflow as tf
from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation.run_scorer import RunScorer
from sagan_tf.networks import Generator


class LiveWeights:
    """The weights of a generator in training, in place of a checkpoint's.

    Args:
        source: the generator in training.
    """

    def __init__(self, source: Generator) -> None:
        self.source = source

    def steps(self) -> list[int]:
        """Return no step: the weights are those of the present one."""
        return []

    def restore_generator(
        self, generator: Generator, step: int, averaged: bool
    ) -> None:
        """Copy the present weights into `generator`."""
        del step, averaged
        for ours, theirs in zip(generator.variables, self.source.variables):
            ours.assign(theirs)


class SelfEvaluation:
    """Scores the present step, to be called between steps of training.

    Scores go to `scores.csv` and TensorBoard. A failure is a warning: no run
    of days should end for want of a score.

    Args:
        scorer: what to score with, sampling from `LiveWeights`.
        tensorboard: directory of the run's events.
    """

    def __init__(
        self, scorer: RunScorer, tensorboard: str | os.PathLike[str]
    ) -> None:
        self.scorer = scorer
        self._writer = tf.summary.create_file_writer(os.fspath(tensorboard))

    def __call__(self, step: int) -> None:
        """Score the present weights as those of `step`."""
        try:
            scores = self.scorer.score(step)
        except (UserError, OSError, tf.errors.OpError) as error:
            logging.warning("step %d is not scored: %s", step, error)
            return
        with self._writer.as_default(step=step):
            for name, value in scores.values.items():
                tf.summary.scalar(f"scores/{name}", value)
        self._writer.flush()
