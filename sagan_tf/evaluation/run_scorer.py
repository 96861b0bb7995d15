"""Scores the checkpoints of a run, those asked for or as they come."""

from __future__ import annotations

import dataclasses
import time
from typing import Callable, Protocol, Sequence

import tensorflow as tf
from absl import logging

from sagan_tf.errors import UserError, one_line
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.evaluator import Batches, Evaluator
from sagan_tf.evaluation.results.best import BestCheckpoint
from sagan_tf.evaluation.results.reports import write_plot
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable
from sagan_tf.storage import AnyPath


class Workdir(Protocol):
    """Where the scores of a run lie, their plot, and the best checkpoint."""

    scores: AnyPath
    score_plot: AnyPath
    best: AnyPath


class Records(Protocol):
    """What takes the scores of a run that scores itself."""

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Takes numbers by name."""

    def text(self, step: int, name: str, text: str) -> None:
        """Takes a line."""


class RunScorer:
    """Scores steps of a run into its table, each step once.

    After each it draws the plot anew and keeps the best checkpoint: the run
    itself removes old ones.

    Args:
        evaluator: what to score with.
        card: the protocol, but for its step.
        workdir: where scores and the best checkpoint go.
        sample: takes a step, and yields generated images and their labels.
        checkpoint_path: takes a step, and gives the directory of its
            checkpoint.
        metric: score by which a checkpoint is best; empty for the run's own.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        card: protocol.Card,
        *,
        workdir: Workdir,
        sample: Callable[[int], Batches],
        checkpoint_path: Callable[[int], AnyPath],
        metric: str = "",
    ) -> None:
        self.evaluator = evaluator
        self.card = card
        self.workdir = workdir
        self.table = ScoreTable(workdir.scores)
        self.best = BestCheckpoint(
            self.table, workdir.best, metric, protocol.digest(card)
        )
        self.sample = sample
        self._checkpoint_path = checkpoint_path

    def score(self, step: int) -> Scores:
        """Returns the scores of a step, from the table if it is there."""
        card = dataclasses.replace(self.card, step=step)
        # What is to be written has to be drawn.
        scores = None if self.evaluator.outputs else self.table.find(card)
        if scores is None or card.cas_test not in ("", scores.card.cas_test):
            scores = self.evaluator.score(self.sample(step), card)
            self.table.add(scores)
            write_plot(self.workdir.score_plot, self.table.rows())
        else:
            logging.info("step %d is scored already", step)
        # Even then: it may be best by another metric than before.
        self.best.keep(self._checkpoint_path)
        return scores


def watch(
    scorer: RunScorer,
    list_steps: Callable[[], Sequence[int]],
    *,
    last_step: int,
    seconds: float,
    is_training: Callable[[], object],
    timeout: float,
) -> list[Scores]:
    """Scores checkpoints as they come, until that of the last step has.

    It ends as well when nobody has trained for a while, and says so.

    Args:
        scorer: what to score with.
        list_steps: returns the steps that have a checkpoint, oldest first.
        last_step: the step at which training ends.
        seconds: time between two looks.
        is_training: returns whether somebody trains the run.
        timeout: seconds to wait for a training that is not there, so that one
            may begin or go on.

    Returns:
        A row for each step that could be scored.

    Raises:
        UserError: if a checkpoint cannot be scored that is still there, or none
            could be.
    """
    scores: dict[int, Scores] = {}
    gone: set[int] = set()
    last_sign = time.monotonic()
    while True:
        # Asked first: a training that ends now has left its checkpoint.
        trains = is_training()
        for step in list_steps():
            if step in scores or step in gone:
                continue
            try:
                scores[step] = scorer.score(step)
                trains = True
            except UserError as error:
                # Training removes old checkpoints while others are scored.
                if step in list_steps():
                    raise
                logging.warning("step %d is not scored: %s", step, error)
                gone.add(step)
        if any(step >= last_step for step in (*scores, *gone)):
            break
        now = time.monotonic()
        last_sign = now if trains else last_sign
        if not trains and now - last_sign >= timeout:
            logging.warning(
                "nobody has trained for %g s, and the checkpoint of the last "
                "step, %d, is not there: --watch ends (--watch_timeout waits "
                "longer)",
                timeout,
                last_step,
            )
            break
        time.sleep(seconds)
    if not scores:
        steps = ", ".join(map(str, sorted(gone)))
        raise UserError(
            "--watch should find a checkpoint that stays until it is scored. "
            "Received: " + (f"steps {steps}, all removed" if gone else "none")
        )
    return [scores[step] for step in sorted(scores)]


class SelfEvaluation:
    """Scores the present step, to be called between steps of training.

    Scores go to the table and to the records of the run. A failure is a
    warning: no run of days should end for want of a score.

    Args:
        scorer: what to score with, sampling from the weights in training.
        records: take scores, as `scores/NAME`, and warnings.
    """

    def __init__(self, scorer: RunScorer, records: Records) -> None:
        self.scorer = scorer
        self.records = records

    def __call__(self, step: int) -> None:
        """Scores the present weights as those of `step`."""
        try:
            values = self.scorer.score(step).values
        # A matrix that has no roots is a ValueError of NumPy's.
        except (ValueError, MemoryError, OSError, tf.errors.OpError) as error:
            warning = f"step {step} is not scored: {one_line(error)}"
            logging.warning("%s", warning)
            self.records.text(step, "warning", warning)
            return
        named = {f"scores/{name}": value for name, value in values.items()}
        self.records.scalars(step, named)
