"""Tests the paper's arguments: runs over seeds, a table, curves and a page.

    python -m tools.ablation --study=attention --seeds=3

says what it will cost, trains what is missing, and writes `report.md` with its
table and pictures into the study's directory. Killed and started again it goes
on with the runs that it was in. `--dry_run` stops behind the cost.
"""

from __future__ import annotations

import pathlib
import sys

from sagan_tf import command

# ruff: isort: split
import tqdm
from absl import flags

from sagan_tf.errors import UserError
from tools.ablations import cost, page, runner
from tools.ablations.plan import Run, plan, share_equal_runs
from tools.ablations.studies import BASE, STUDIES, Study

_STUDY = flags.DEFINE_enum("study", None, list(STUDIES), "Which study.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Runs of each arm.", 1)
_ARMS = flags.DEFINE_list("arms", "", "Names of arms; empty for all.")
_ROOT = flags.DEFINE_string(
    "root", "runs/ablation", "Directory of all studies."
)
_CONFIG = flags.DEFINE_string(
    "base", BASE, "Configuration that the arms differ from."
)
_NUM_STEPS = flags.DEFINE_integer(
    "num_steps", 0, "Steps of each run; 0 for the configuration's.", 0
)
_JOBS = flags.DEFINE_integer("jobs", 2, "Runs at a time.", 1)
_THREADS = flags.DEFINE_integer("threads", 1, "Threads of each run.", 1)
_EVALUATE = flags.DEFINE_bool(
    "evaluate", True, "Score each run at its end, as sagan_tf.evaluate does."
)
_DRY_RUN = flags.DEFINE_bool(
    "dry_run", False, "Print the cost and the commands, and stop."
)
_REPORT_ONLY = flags.DEFINE_bool(
    "report_only", False, "Report on what is there, and train nothing."
)


def main(argv: list[str]) -> None:
    """Runs the study that the flags name."""
    del argv
    study, root = STUDIES[_STUDY.value], pathlib.Path(_ROOT.value)
    runs = plan(
        study,
        root,
        seeds=range(_SEEDS.value),
        config_path=_CONFIG.value,
        arms=_ARMS.value,
        num_steps=_NUM_STEPS.value,
        evaluate=_EVALUATE.value,
    )
    if not _REPORT_ONLY.value:
        complete(study, root, runs)
    if _DRY_RUN.value:
        return
    ended = [run for run in runs if run.outcome() is not None]
    if not ended:
        raise UserError(
            f"{root / study.name} should hold a run that has ended: leave "
            "--report_only away"
        )
    table = page.write(study, ended, root / study.name, _repeat())
    sys.stdout.write(f"{table}\n{root / study.name / page.REPORT}\n")


def _repeat() -> str:
    """Returns the command that makes the same study from nothing."""
    given = [
        f"--{flag.name}={value}"
        for flag in (_STUDY, _SEEDS, _ARMS, _CONFIG, _NUM_STEPS)
        if (value := _text(flag.value)) != _text(flag.default)
    ]
    return " ".join(["python -m tools.ablation", *given])


def _text(value: object) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)


def complete(study: Study, root: pathlib.Path, runs: list[Run]) -> None:
    """Trains what is missing, after saying what it costs."""
    if not _DRY_RUN.value:
        for run in share_equal_runs(runs, root):
            _say(f"{run.name} is there already: {run.workdir.resolve()}")
    missing = [run for run in runs if not run.is_done()]
    if not missing:
        return
    pace = cost.known_pace(runs)
    if pace is None:
        _say(f"measuring how fast {missing[0].arm.name} trains ...")
        pace = cost.measure_pace(missing[0], _THREADS.value)
    _say(f"{study.name}: {study.question}")
    _say(cost.describe(runs, missing, pace, _JOBS.value))
    if _DRY_RUN.value:
        for run in missing:
            _say(" ".join(["python", "-m", *run.arguments()]))
        return
    before = sum(run.last_step() for run in missing)
    bar = tqdm.tqdm(
        total=sum(run.num_steps for run in missing),
        initial=before,
        unit="step",
        mininterval=0.5 if sys.stderr.isatty() else 30.0,
    )

    def observe(active: list[Run]) -> None:
        names = (f"{run.name} {run.last_step()}" for run in active)
        bar.set_postfix_str(", ".join(names), refresh=False)
        ended = [run for run in missing if run.is_done()]
        done = sum(run.num_steps for run in ended)
        done += sum(run.last_step() for run in missing if run not in ended)
        bar.update(done - bar.n)

    with bar:
        runner.train(missing, _JOBS.value, _THREADS.value, observe)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    command.run(main, required_flags=("study",))
