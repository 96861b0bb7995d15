"""Which runs a study consists of, and how far each of them is."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import pathlib
from typing import Any, Mapping, Sequence

import ml_collections

from sagan_tf.configuration import files, validation
from sagan_tf.errors import UserError, nearest_name, one_line
from sagan_tf.evaluation.score_table import ScoreTable
from sagan_tf.training.workdir import Workdir
from sagan_tf.whole_files import replacing
from tools.ablations.studies import Arm, Study

OUTCOME, LOG = "outcome.json", "log.txt"


@dataclasses.dataclass(frozen=True)
class Run:
    """One arm with one seed.

    Attributes:
        arm: the arm.
        seed: the seed.
        workdir: where it lives.
        config_path: the configuration that the fields are set in.
        fields: every field that is set, by its dotted name.
        evaluate: whether it scores itself at its end.
    """

    arm: Arm
    seed: int
    workdir: pathlib.Path
    config_path: str
    fields: Mapping[str, Any]
    evaluate: bool = True

    @property
    def name(self) -> str:
        """The arm and the seed."""
        return f"{self.arm.name}/seed-{self.seed}"

    @functools.cached_property
    def config(self) -> ml_collections.ConfigDict:
        """The whole configuration.

        Raises:
            UserError: if a field is unknown or its value not possible.
        """
        config = files.load_config(
            self.config_path, f"--config={self.config_path}"
        )
        try:
            config.update_from_flattened_dict(dict(self.fields))
        except (KeyError, TypeError) as error:
            raise UserError(
                f"arm {self.arm.name} should set fields of "
                f"{self.config_path}. Received: {one_line(error)}"
            ) from error
        validation.validate(config)
        return config

    @property
    def num_steps(self) -> int:
        """The step that the run ends at."""
        return self.config.train.num_steps

    def arguments(self) -> list[str]:
        """Returns what follows `python -m` to train this run."""
        flags = [f"--config={self.config_path}", f"--workdir={self.workdir}"]
        flags += [
            f"--config.{name}={str(value).replace(' ', '')}"
            for name, value in self.fields.items()
        ]
        if self.evaluate:
            flags.append(f"--evaluate_every={self.num_steps}")
        return ["sagan_tf.train", *flags]

    def lacks_scores(self) -> bool:
        """Returns whether the run should have scored itself and has not."""
        rows = ScoreTable(self.workdir / "scores.csv").rows()
        steps = [row.card.step for row in rows]
        return self.evaluate and self.num_steps not in steps

    def scoring_arguments(self) -> list[str]:
        """Returns what follows `python -m` to score the end of this run."""
        return ["sagan_tf.evaluate", f"--workdir={self.workdir}"]

    def outcome(self) -> dict[str, Any] | None:
        """Returns what the run ended with, or None if it has not.

        Raises:
            UserError: if the directory holds a run of another configuration.
        """
        workdir = Workdir(self.workdir)
        if not workdir.config.is_file():
            return None
        validation.check_same_model(
            self.config, workdir.read_config(), self.workdir
        )
        path = self.workdir / OUTCOME
        if not path.is_file():
            return None
        found = json.loads(path.read_text())
        return found if _is_over(found, self.num_steps) else None

    def check_length(self) -> None:
        """Refuses a run that is longer than it should be.

        Raises:
            UserError: naming its last step.
        """
        step = self.last_step()
        if step > self.num_steps:
            raise UserError(
                f"--num_steps should not be below {step:,}, where "
                f"{self.workdir} stands. Received: {self.num_steps:,}; another "
                "--root keeps studies of another length apart"
            )

    def is_done(self) -> bool:
        """Returns whether it has ended, and is scored if it should be."""
        outcome = self.outcome()
        if outcome is None:
            return False
        return outcome["diverged"] or not self.lacks_scores()

    def write_outcome(self, **values: Any) -> None:
        """Stores what the run ended with; nobody ever sees half of it."""
        with replacing(self.workdir / OUTCOME) as aside:
            aside.write_text(json.dumps(values, indent=2) + "\n")

    def last_step(self) -> int:
        """Returns the last step in the records, 0 if there are none."""
        steps = [record["step"] for record in self.records()]
        return steps[-1] if steps else 0

    def records(self) -> list[dict[str, Any]]:
        """Returns what the run has recorded so far."""
        path = Workdir(self.workdir).metrics
        if not path.is_file():
            return []
        lines = path.read_text().splitlines()
        return [json.loads(line) for line in lines if line.endswith("}")]


def _is_over(outcome: Mapping[str, Any], num_steps: int) -> bool:
    return outcome["diverged"] or outcome["step"] >= num_steps


def plan(
    study: Study,
    root: pathlib.Path,
    *,
    seeds: Sequence[int],
    config_path: str,
    arms: Sequence[str] = (),
    num_steps: int = 0,
    evaluate: bool = True,
) -> list[Run]:
    """Returns the runs of a study, seed by seed.

    All arms come with the first seed before any with the second, so that what
    is there when somebody stops is comparable.

    Args:
        study: the study.
        root: directory of all studies.
        seeds: the seeds.
        config_path: the configuration that arms differ from.
        arms: names of the arms wanted; empty for all.
        num_steps: steps of a run; 0 for the configuration's number.
        evaluate: whether runs score themselves at their end.

    Raises:
        UserError: if an arm is not in the study, or a configuration is not
            possible.
    """
    known = [arm.name for arm in study.arms]
    for name in arms:
        if name not in known:
            raise UserError(
                f"--arms should be among {', '.join(known)}. Received: "
                f"{name!r}{nearest_name(name, known)}"
            )
    length = {"train.num_steps": num_steps} if num_steps else {}
    runs = [
        Run(
            arm,
            seed,
            root / study.name / arm.name / f"seed-{seed}",
            config_path,
            {**arm.fields, "seed": seed, **length},
            evaluate,
        )
        for seed in seeds
        for arm in study.arms
        if not arms or arm.name in arms
    ]
    for run in runs:
        # Whether the last of them is possible should not wait for the first.
        run.outcome()
        run.check_length()
        if run.config.train.num_steps % run.config.checkpoint.every_steps:
            raise UserError(
                "--num_steps should be a multiple of "
                f"{run.config.checkpoint.every_steps}, the interval of "
                f"checkpoints. Received: {run.num_steps}"
            )
    return runs


def share_equal_runs(runs: Sequence[Run], root: pathlib.Path) -> list[Run]:
    """Lets runs that another study has done already stand for ours.

    A link takes the place of the directory where an ended run below `root` has
    the very same configuration.

    Args:
        runs: the runs of a study.
        root: directory of all studies.

    Returns:
        Those that were linked.
    """
    linked = []
    for run in runs:
        if run.workdir.exists():
            continue
        ours = json.loads(run.config.to_json())
        for path in sorted(root.glob(f"*/*/seed-{run.seed}/{OUTCOME}")):
            theirs = path.with_name("config.json")
            ended = _is_over(json.loads(path.read_text()), run.num_steps)
            if ended and json.loads(theirs.read_text()) == ours:
                run.workdir.parent.mkdir(parents=True, exist_ok=True)
                source = path.parent.resolve()
                run.workdir.symlink_to(
                    os.path.relpath(source, run.workdir.parent.resolve())
                )
                linked.append(run)
                break
    return linked
