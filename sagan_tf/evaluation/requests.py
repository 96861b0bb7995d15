"""Which checkpoints of a run to score: asked for, or as they come."""

from __future__ import annotations

import os
import time
from typing import Callable, Sequence

from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation.evaluator import Scores
from sagan_tf.evaluation.run_scorer import RunScorer

_NAMES = ("latest", "best", "all")


def check(
    request: str, steps: Sequence[int], workdir: str | os.PathLike[str]
) -> None:
    """Refuse a request that no checkpoint can meet.

    Args:
        request: `"latest"`, `"best"`, `"all"` or a step.
        steps: the steps that have a checkpoint, in `best/` or elsewhere.
        workdir: directory of the run, for the error.

    Raises:
        UserError: if it cannot be met.
    """
    if request not in _NAMES and not request.isdecimal():
        raise UserError(
            "--checkpoint should be latest, best, all or a step. "
            f"Received: {request!r}"
        )
    if request == "best":
        return
    found = ", ".join(map(str, steps)) or "none"
    if not steps or (request.isdecimal() and int(request) not in steps):
        wanted = f"step {request}" if request.isdecimal() else "a step"
        raise UserError(
            f"--workdir={workdir} should have a checkpoint of {wanted}. "
            f"Received: {found}"
        )


def answer(
    request: str, scorer: RunScorer, steps: Sequence[int]
) -> list[Scores]:
    """Score what was asked for.

    Args:
        request: what `check` accepts.
        scorer: what to score with.
        steps: the steps that have a checkpoint, in `best/` or elsewhere, oldest
            first.

    Returns:
        One row, or one for each step.

    Raises:
        UserError: if the best is asked for and nothing is scored yet.
    """
    if request == "all":
        return [scorer.score(step) for step in steps]
    if request == "latest":
        return [scorer.score(steps[-1])]
    if request != "best":
        return [scorer.score(int(request))]
    best = scorer.best_step()
    if best is None:
        raise UserError(
            f"{scorer.table.path} should hold scores to tell the best "
            f"checkpoint by {scorer.metric}: score with --checkpoint=all first"
        )
    return [scorer.score(best)]


def watch(
    scorer: RunScorer,
    list_steps: Callable[[], Sequence[int]],
    *,
    last_step: int,
    seconds: float,
) -> list[Scores]:
    """Score checkpoints as they come, until that of the last step has.

    Args:
        scorer: what to score with.
        list_steps: returns the steps that have a checkpoint, oldest first.
        last_step: the step at which training ends.
        seconds: time between two looks.

    Returns:
        A row for each step that could be scored.

    Raises:
        UserError: if a checkpoint cannot be scored that is still there, or none
            could be.
    """
    scores: dict[int, Scores] = {}
    gone: set[int] = set()
    while True:
        for step in list_steps():
            if step in scores or step in gone:
                continue
            try:
                scores[step] = scorer.score(step)
            except UserError as error:
                # Training removes old checkpoints while others are scored.
                if step in list_steps():
                    raise
                logging.warning("step %d is not scored: %s", step, error)
                gone.add(step)
        if any(step >= last_step for step in (*scores, *gone)):
            break
        time.sleep(seconds)
    if not scores:
        raise UserError(
            "--watch should find a checkpoint that stays until it is scored. "
            f"Received: steps {', '.join(map(str, sorted(gone)))}, all removed"
        )
    return [scores[step] for step in sorted(scores)]
