"""What a study will cost, before it starts."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import statistics
import tempfile
from typing import Callable, Sequence

from sagan_tf.errors import UserError
from tools.ablations import runner
from tools.ablations.plan import OUTCOME, Run

_PROBE_CALLS = 6


@dataclasses.dataclass(frozen=True)
class Pace:
    """How long a run takes.

    Attributes:
        start: seconds that do not depend on the number of steps.
        update: seconds of a step with one discriminator update.
        source: where the numbers come from, in words.
    """

    start: float
    update: float
    source: str

    def seconds(self, run: Run) -> float:
        """Returns how long a run will still take."""
        left = max(0, run.num_steps - run.last_step())
        return self.start + self.update * weight(run) * left


def weight(run: Run) -> float:
    """Returns the length of a step where one of 1 + 1 updates has 1.

    An update of the generator and one of the discriminator take about the same
    time: each runs both networks, and one of them backwards.
    """
    return (1 + run.config.train.discriminator_steps) / 2


def known_pace(runs: Sequence[Run]) -> Pace | None:
    """Returns the pace of runs that have ended in one piece, if there are any.

    Args:
        runs: those of the study, whether they have ended or not.
    """
    starts, updates = [], []
    for run in runs:
        outcome = run.outcome()
        if outcome is None or outcome["began_at_step"] or outcome["diverged"]:
            continue
        update = _seconds_per_step(run) / weight(run)
        updates.append(update)
        steps = outcome["step"] * weight(run)
        starts.append(max(0.0, outcome["seconds"] - update * steps))
    if not updates:
        return None
    return Pace(
        statistics.median(starts),
        statistics.median(updates),
        f"from {len(updates)} finished runs",
    )


def measure_pace(
    run: Run, threads: int, observe: Callable[[], None] = lambda: None
) -> Pace:
    """Trains a few steps of a run in a directory of its own, and times them.

    Args:
        run: the run, which is not touched.
        threads: threads of each operation.
        observe: called now and then.

    Raises:
        UserError: if it diverges at once.
    """
    call = run.config.train.steps_per_call
    steps = _PROBE_CALLS * call
    with tempfile.TemporaryDirectory() as place:
        probe = dataclasses.replace(
            run,
            workdir=pathlib.Path(place) / "probe",
            fields={
                **run.fields,
                "train.num_steps": steps,
                "log.every_steps": call,
                "log.sheet_every_steps": steps,
                "checkpoint.every_steps": steps,
                "checkpoint.keep_every": 0,
                "train.ema_start_step": 0,
            },
            evaluate=False,
        )
        runner.train([probe], 1, threads, lambda active: observe())
        if not probe.records():
            raise UserError(
                f"{run.name} should train for {steps} steps to be timed; its "
                "loss was not finite before"
            )
        outcome = json.loads((probe.workdir / OUTCOME).read_text())
        update = _seconds_per_step(probe) / weight(probe)
    start = outcome["seconds"] - update * weight(probe) * steps
    return Pace(max(0.0, start), update, f"from {steps} steps")


def _seconds_per_step(run: Run) -> float:
    """The median over the records, as the machine has other work at times."""
    # The first record has the time of tracing in it.
    records = run.records()[1:] or run.records()
    rates = [record["images_per_second"] for record in records]
    return run.config.train.batch_size / statistics.median(rates)


def describe(
    runs: Sequence[Run], missing: Sequence[Run], pace: Pace, jobs: int
) -> str:
    """Returns the cost of a study in a few words.

    Args:
        runs: all of its runs.
        missing: those without an outcome.
        pace: how long one takes.
        jobs: how many are trained at a time.
    """
    steps = sum(run.num_steps - run.last_step() for run in missing)
    seconds = sum(map(pace.seconds, missing)) / max(1, min(jobs, len(missing)))
    return (
        f"{len(runs)} runs, {len(runs) - len(missing)} of them done; "
        f"{steps:,} steps to go, {jobs} at a time: about {duration(seconds)} "
        f"({pace.source})"
    )


def duration(seconds: float) -> str:
    """Returns `40 s`, `12 min` or `3 h 05 min`."""
    if seconds < 60:
        return f"{math.ceil(seconds)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
