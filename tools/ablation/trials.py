"""The runs that a study consists of, and how far each of them is."""

from __future__ import annotations

import dataclasses
import itertools
import json
import pathlib
import shlex
from typing import Any, Mapping, Sequence

import ml_collections

from sagan_tf.configuration import files, validation
from sagan_tf.errors import UserError, nearest_name, one_line
from sagan_tf.evaluation.results.score_table import ScoreTable
from sagan_tf.training.workdir import Workdir
from tools.ablation.study import Arm, Study

OUTCOME = "outcome.json"
# What a run may go on with another value of, but a trial may not.
_OF_THE_UPDATE = ("optimizer.", "train.batch_size", "train.ema_")


@dataclasses.dataclass(frozen=True)
class Trial:
    """One arm with one seed.

    Attributes:
        arm: the arm.
        workdir: the directory of its run.
        config_path: the configuration that the fields are set in.
        fields: every field that is set, by its dotted name.
        config: the whole configuration.
        scoring: flags that it is scored with at its end; None if it is not.
    """

    arm: Arm
    workdir: pathlib.Path
    config_path: str
    fields: Mapping[str, Any]
    config: ml_collections.ConfigDict
    scoring: Sequence[str] | None = ()

    @property
    def name(self) -> str:
        """The arm and the seed."""
        return f"{self.arm.name}/seed-{self.config.seed}"

    @property
    def num_steps(self) -> int:
        """The step that it ends at."""
        return self.config.train.num_steps

    def training_command(self) -> str:
        """Returns the command that trains it."""
        words = ["python", "-m", "sagan_tf.train"]
        words += [f"--config={self.config_path}", f"--workdir={self.workdir}"]
        for name, value in self.fields.items():
            words.append(f"--config.{name}={str(value).replace(' ', '')}")
        return shlex.join(words)

    def scoring_command(self) -> str:
        """Returns the command that scores its last step."""
        words = ["python", "-m", "sagan_tf.evaluate"]
        return shlex.join([*words, f"--workdir={self.workdir}", *self.scoring])

    def records(self) -> list[dict[str, Any]]:
        """Returns what it has recorded so far."""
        path = Workdir(self.workdir).metrics
        lines = path.read_text().splitlines() if path.is_file() else []
        return [json.loads(line) for line in lines if line.endswith("}")]

    def last_step(self) -> int:
        """Returns the last step in the records, 0 if there are none."""
        return max((record["step"] for record in self.records()), default=0)

    def scores(self) -> Mapping[str, float]:
        """Returns the scores of its last step by their full names."""
        rows = ScoreTable(self.workdir / "scores.csv").rows()
        last = [row for row in rows if row.card.step == self.num_steps]
        return last[-1].values if last else {}

    def outcome(self) -> dict[str, Any] | None:
        """Returns what it ended with, or None if it has not.

        Raises:
            UserError: if the directory holds a longer run, or one of another
                configuration.
        """
        workdir, step = Workdir(self.workdir), self.last_step()
        if not workdir.config.is_file():
            return None
        stored = validation.read_stored(workdir.config)
        changes = validation.check_same_model(self.config, stored, self.workdir)
        # A run may go on with them; then it is no trial of this study.
        for name, (old, new) in changes.items():
            if name.startswith(_OF_THE_UPDATE):
                raise UserError(
                    f"--root should hold trials of one configuration: "
                    f"{self.workdir} has {name}={old!r}. Received: {new!r}"
                )
        if step > self.num_steps:
            raise UserError(
                f"--num_steps should not be below {step:,}, where "
                f"{self.workdir} stands. Received: {self.num_steps:,}; another "
                "--root keeps studies of another length apart"
            )
        path = self.workdir / OUTCOME
        outcome = json.loads(path.read_text()) if path.is_file() else {}
        if outcome.get("diverged") or outcome.get("step", -1) >= self.num_steps:
            return outcome
        return None

    def is_done(self) -> bool:
        """Returns whether it has ended, and is scored if it should be."""
        outcome = self.outcome()
        if outcome is None:
            return False
        return (
            outcome["diverged"] or self.scoring is None or bool(self.scores())
        )


def make_trials(
    study: Study,
    root: pathlib.Path,
    config_path: str,
    seeds: Sequence[int],
    arms: Sequence[str] = (),
    num_steps: int = 0,
    scoring: Sequence[str] | None = (),
) -> list[Trial]:
    """Returns the runs of a study.

    All arms come with the first seed before any with the second, so that what
    is there when somebody stops is comparable. Where an ended run of another
    study has the very same configuration, it stands for ours.

    Args:
        study: the study.
        root: directory of all studies.
        config_path: the configuration that arms differ from.
        seeds: the seeds.
        arms: names of the arms wanted; empty for all.
        num_steps: steps of a run; 0 for the configuration's number.
        scoring: flags to score them with at their end; None for no scores.

    Raises:
        UserError: if an arm is not in the study, a configuration is not
            possible, or a run that is there is longer or of another one.
    """
    known = {arm.name: arm for arm in study.arms}
    for name in set(arms) - set(known):
        raise UserError(
            f"--arms should be among {', '.join(known)}. Received: "
            f"{name!r}{nearest_name(name, known)}"
        )
    length = {"train.num_steps": num_steps} if num_steps else {}
    trials = []
    for seed, name in itertools.product(seeds, arms or known):
        fields = {**known[name].fields, "seed": seed, **length}
        trial = Trial(
            known[name],
            root / study.name / name / f"seed-{seed}",
            config_path,
            fields,
            _configure(config_path, name, fields),
            scoring,
        )
        if not trial.workdir.exists():
            trial = _find_equal(trial, root) or trial
        # Whether the last of them is possible should not wait for the first.
        trial.outcome()
        trials.append(trial)
    return trials


def _configure(
    path: str, arm: str, fields: Mapping[str, Any]
) -> ml_collections.ConfigDict:
    config = files.load_config(path, f"--base={path}")
    try:
        config.update_from_flattened_dict(dict(fields))
    except (KeyError, TypeError) as error:
        raise UserError(
            f"arm {arm} should set fields of {path}. "
            f"Received: {one_line(error)}"
        ) from error
    validation.validate(config)
    return config


def _find_equal(trial: Trial, root: pathlib.Path) -> Trial | None:
    """Returns an ended run of another study with the same configuration."""
    wanted = json.loads(trial.config.to_json())
    for outcome in sorted(root.glob(f"*/*/seed-{trial.config.seed}/{OUTCOME}")):
        stored = outcome.with_name("config.json").read_text()
        if json.loads(stored) == wanted:
            other = dataclasses.replace(trial, workdir=outcome.parent)
            if other.outcome() is not None:
                return other
    return None
