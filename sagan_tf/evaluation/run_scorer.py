"""Scores the checkpoints of a run, and keeps the best of them."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Callable

from absl import logging

from sagan_tf.evaluation import preparation, protocol
from sagan_tf.evaluation.evaluator import Batches, Evaluator, Scores
from sagan_tf.evaluation.score_plot import write_plot
from sagan_tf.evaluation.score_table import ScoreTable

TABLE, PLOT, BEST = "scores.csv", "scores.png", "best"


class RunScorer:
    """Scores steps of a run into `scores.csv`, each step once.

    Beside it stand `scores.png`, every score over steps, and `best/`, a copy of
    the checkpoint that is best so far: the run itself removes old ones. Best is
    by the run's own protocol, the one that most steps are scored by.

    Args:
        evaluator: what to score with.
        card: the protocol, but for its step.
        workdir: directory of the run.
        sample: takes a step, and yields generated images and their labels.
        checkpoint_path: takes a step, and gives the directory of its
            checkpoint.
        metric: score by which a checkpoint is best.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        card: protocol.Card,
        *,
        workdir: str | os.PathLike[str],
        sample: Callable[[int], Batches],
        checkpoint_path: Callable[[int], Path],
        metric: str = "fid",
    ) -> None:
        self.evaluator = evaluator
        self.card = card
        self.workdir = Path(workdir)
        self.table = ScoreTable(self.workdir / TABLE)
        self.metric = metric
        self._sample = sample
        self._checkpoint_path = checkpoint_path

    def score(self, step: int) -> Scores:
        """Return the scores of a step, from the table if it is there."""
        card = dataclasses.replace(self.card, step=step)
        known = self.table.find(card)
        if known is not None:
            logging.info("step %d is scored already", step)
            # It may be best by another metric than before.
            self._keep_best()
            return known
        with preparation.progress_bar(
            card.num_generated, f"step {step}"
        ) as bar:
            scores = self.evaluator.score(
                self._sample(step), card, lambda done: bar.update(done - bar.n)
            )
        self.table.add(scores)
        write_plot(self.workdir / PLOT, self.table.rows())
        self._keep_best()
        return scores

    def best_step(self) -> int | None:
        """Return the step that is best by the run's own protocol, if any."""
        # One look by another protocol makes no other checkpoint the best.
        own = self.table.own_protocol(self.card)
        best = self.table.best(own, self.metric)
        return None if best is None else best.card.step

    def _keep_best(self) -> None:
        step = self.best_step()
        if step is None:
            return
        source = self._checkpoint_path(step)
        target = self.workdir / BEST / source.name
        if target.exists() or not source.exists():
            return
        # Another command may be about to keep the same one.
        aside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        shutil.rmtree(aside, ignore_errors=True)
        try:
            shutil.copytree(source, aside)
            aside.rename(target)
        except OSError as error:
            # Training may have removed it meanwhile, or the disk be full.
            shutil.rmtree(aside, ignore_errors=True)
            logging.warning("step %d is best but not kept: %s", step, error)
            return
        for other in target.parent.glob("step_*"):
            if other != target:
                shutil.rmtree(other, ignore_errors=True)
