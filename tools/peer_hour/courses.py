"""Scores of ours and of the peer, by the minutes that they were trained for."""

from __future__ import annotations

import datetime
import json
import pathlib
from typing import Mapping

from sagan_tf.configuration import validation
from sagan_tf.errors import UserError
from sagan_tf.evaluation import scoring
from sagan_tf.evaluation.options import Options
from sagan_tf.evaluation.results.score_table import (
    Scores,
    ScoreTable,
    value_of,
)
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir
from sagan_tf.whole_files import replacing

# As `runs.jsonl` has it.
_TIME = "%Y-%m-%dT%H:%M:%S%z"
_TITLES = {"fid": "FID", "precision": "precision", "recall": "recall"}

# Scores by metric, by the minutes of training before them.
Course = dict[float, dict[str, float]]


def of_run(workdir: Workdir, features: str) -> Course:
    """Returns the scores of our checkpoints, of a run made in one piece.

    Raises:
        UserError: if it is no such run, or no checkpoint that is there was
            scored through `features`.
    """
    validation.read_stored(workdir.config)
    start, checkpoints = _start_of(workdir), Checkpoints(workdir.checkpoints)
    course = {}
    for row in ScoreTable(workdir.scores).rows():
        checkpoint = checkpoints.path(row.card.step)
        if row.card.network == features and checkpoint.is_dir():
            minutes = (checkpoint.stat().st_mtime - start) / 60.0
            course[round(minutes, 2)] = _shown(row)
    if not course:
        raise UserError(
            f"--workdir {workdir.path} should have scores of checkpoints "
            f"through {features}: run sagan_tf.evaluate --checkpoint=all "
            f"--features={features}"
        )
    return dict(sorted(course.items()))


def of_peer(folder: pathlib.Path, features: str) -> Course:
    """Returns the scores of what `train_mimicry.py` left in a folder.

    Raises:
        UserError: if there is nothing, or it cannot be scored.
    """
    files = {
        float(file.stem.removeprefix("minute_")): file
        for file in folder.glob("minute_*.npz")
    }
    if not files:
        raise UserError(
            f"--peers should be directories of train_mimicry.py. Received: "
            f"{folder}, without a minute_N.npz"
        )
    options, real = Options(features=features), str(folder / "real.npz")
    return {
        minutes: _shown(scoring.score_files(real, str(files[minutes]), options))
        for minutes in sorted(files)
    }


def _start_of(workdir: Workdir) -> float:
    """Returns when a run began, in seconds since 1970."""
    lines = map(json.loads, workdir.runs.read_text().splitlines())
    starts = [line["time"] for line in lines if line["event"] == "start"]
    if len(starts) != 1:
        raise UserError(
            f"--workdir {workdir.path} should hold a run that was not stopped. "
            f"Received: one with {len(starts)} starts"
        )
    return datetime.datetime.strptime(starts[0], _TIME).timestamp()


def _shown(scores: Scores) -> dict[str, float]:
    return {metric: value_of(scores, metric) for metric in _TITLES}


def table(courses: Mapping[str, Course]) -> str:
    """Returns a row for each time that a network was scored."""
    lines = [["", "minutes", *_TITLES.values()], ["---"] * (2 + len(_TITLES))]
    for name, course in courses.items():
        for minutes, scores in course.items():
            values = [f"{scores[metric]:.3g}" for metric in _TITLES]
            lines.append([name, f"{minutes:.1f}", *values])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def draw(path: pathlib.Path, courses: Mapping[str, Course]) -> None:
    """Draws a panel for each metric, over minutes."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    axes = figure.subplots(1, len(_TITLES))
    for axis, (metric, title) in zip(axes, _TITLES.items()):
        for name, course in courses.items():
            values = [scores[metric] for scores in course.values()]
            axis.plot(list(course), values, marker=".", label=name)
        axis.set_title(title)
        axis.set_xlabel("minutes of training")
        axis.grid(alpha=0.3)
        # Distances fall by powers, shares begin at 0.
        if metric == "fid":
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter("")
        else:
            axis.set_ylim(bottom=0)
    axes[0].legend()
    with replacing(path) as aside:
        figure.savefig(aside, format="png")
