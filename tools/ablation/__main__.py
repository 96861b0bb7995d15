"""Tests the paper's arguments: runs over seeds, a table, curves and a page.

    python -m tools.ablation --study=attention --seeds=3

trains what is missing, and writes `report.md` with its table and images into
the study's directory. Killed and started again it goes on with the runs that it
was in. `--dry_run` prints the commands of these runs and stops.
"""

from __future__ import annotations

from sagan_tf.cli import command

# ruff: isort: split
import functools
import pathlib

from absl import flags

from sagan_tf.cli import feature_flags
from sagan_tf.errors import UserError
from tools.ablation import report
from tools.ablation.runner import train
from tools.ablation.studies import BASE, STUDIES
from tools.ablation.trials import make_trials

_STUDY = flags.DEFINE_enum("study", None, list(STUDIES), "Which study.")
_SEEDS = flags.DEFINE_integer("seeds", 3, "Runs of each arm.", 1)
_ARMS = flags.DEFINE_list("arms", "", "Names of arms; empty for all.")
_ROOT = command.define_path(
    "root", "runs/ablation", "Directory of all studies.", local=True
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
    "evaluate", True, "Score each run at its end, by sagan_tf.evaluate."
)
_FEATURES, _INCEPTION_PATH = feature_flags.define()
_CAS = flags.DEFINE_bool(
    "cas", False, "Score with the classification accuracy score, too."
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the commands, and stop.")
_REPORT_ONLY = flags.DEFINE_bool(
    "report_only", False, "Report on what is there, and train nothing."
)


def main(argv: list[str]) -> None:
    """Runs the study that the flags name."""
    del argv
    study, root = STUDIES[_STUDY.value], pathlib.Path(_ROOT.value)
    trials = make_trials(
        study,
        root,
        seeds=range(_SEEDS.value),
        config_path=_CONFIG.value,
        arms=_ARMS.value,
        num_steps=_NUM_STEPS.value,
        scoring=_scoring() if _EVALUATE.value else None,
    )
    missing = [trial for trial in trials if not trial.is_done()]
    if _DRY_RUN.value:
        for trial in missing:
            print(trial.training_command())
        return
    if not _REPORT_ONLY.value:
        say = functools.partial(print, flush=True)
        train(missing, _JOBS.value, _THREADS.value, say)
    ended = [trial for trial in trials if trial.outcome() is not None]
    if not ended:
        raise UserError(
            f"{root / study.name} should hold a run that has ended: leave "
            "--report_only away"
        )
    table = report.write(study, ended, root / study.name, _repeat())
    print(f"{table}\n{root / study.name / report.REPORT}")


def _scoring() -> list[str]:
    """Returns the flags of `sagan_tf.evaluate`."""
    every = (_FEATURES, _INCEPTION_PATH, _CAS)
    return [_written(flag) for flag in every if _is_given(flag)]


def _repeat() -> str:
    """Returns the command that makes the same study from nothing."""
    every = (_STUDY, _SEEDS, _ARMS, _CONFIG, _NUM_STEPS, _EVALUATE)
    written = [_written(flag) for flag in every if _is_given(flag)]
    return " ".join(["python -m tools.ablation", *written, *_scoring()])


def _is_given(flag: flags.FlagHolder) -> bool:
    return flag.value != flag.default


def _written(flag: flags.FlagHolder) -> str:
    return flags.FLAGS[flag.name].serialize()


if __name__ == "__main__":
    command.run(main, required_flags=("study",))
