"""Which checkpoint of a run is best, and the copy of it that is kept."""

from __future__ import annotations

import json
from typing import Callable, Sequence

from absl import logging

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics
from sagan_tf.evaluation.results.score_table import ScoreTable
from sagan_tf.storage import AnyPath
from sagan_tf.whole_files import (
    MANIFEST,
    beside,
    remove_abandoned,
    replacing,
)

_CHOICE = "choice.json"
_STEP, _FORMER = "step_", "former_"
_METRIC = "fid"


class BestCheckpoint:
    """The best checkpoint of a run by its scores.

    It is the best by the run's own protocol, the one that most of its steps are
    scored by, and by the metric that was last asked for, at first the FID. That
    choice is kept beside the copy, so that every command means the same step.

    Args:
        table: the scores of the run.
        directory: where a copy of it is kept.
        metric: what is best by; empty for the run's own.
        digest: a protocol that comes before others of as many steps; empty for
            the run's own.
    """

    def __init__(
        self,
        table: ScoreTable,
        directory: storage.PathLike,
        metric: str = "",
        digest: str = "",
    ) -> None:
        self.table = table
        self.directory = storage.at(directory)
        choice = self._read_choice()
        self.metric = metric or choice["metric"]
        self._digest = digest or choice["protocol"]

    def step(self) -> int | None:
        """Returns the step that is best, if any is scored.

        Without a table it is that of the copy, which may have come here alone.
        """
        if not self.table.path.exists():
            kept = [path.name for path in self._kept()]
            steps = [n for n in kept if n.startswith(_STEP)]
            return int(max(steps)[len(_STEP) :]) if steps else None
        digest = self.table.own_protocol(self._digest)
        row = self.table.best(digest, self.metric)
        return None if row is None else row.card.step

    def keep(self, checkpoint_path: Callable[[int], AnyPath]) -> None:
        """Keeps a copy of the best checkpoint, in place of the former one.

        If it is gone, a warning says so, and the former one is renamed: nothing
        is left that looks like the best.

        Args:
            checkpoint_path: takes a step, and gives the directory of its
                checkpoint among those of the run.
        """
        step = self.step()
        if step is None:
            return
        source = checkpoint_path(step)
        target = self.directory / source.name
        former = self.directory / f"{_FORMER}{source.name}"
        if _is_there(former) and not _is_there(target):
            _rename(former, target)
        if not _is_there(target):
            self._copy(source, target, step)
        if _is_there(target):
            for other in self._kept():
                if other != target:
                    storage.remove_tree(other)
        elif not _is_there(source):
            self._say_it_is_gone(step)
        self._write_choice(step)

    def _copy(self, source: AnyPath, target: AnyPath, step: int) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            if storage.is_stored(target):
                storage.copy(source, target, MANIFEST)
                return
            remove_abandoned(self.directory)
            with beside(target.with_name(f".{target.name}")) as aside:
                storage.copy(source, aside)
                aside.rename(target)
        except OSError as error:
            # Training has removed it, or another command was faster.
            if _is_there(source) and not _is_there(target):
                logging.warning("step %d is best but not kept: %s", step, error)

    def _say_it_is_gone(self, step: int) -> None:
        logging.warning(
            "step %d is best by %s, but its checkpoint is gone: %s holds none",
            step,
            self.metric,
            self.directory,
        )
        for other in self._kept():
            if not other.name.startswith(_FORMER):
                _rename(other, other.with_name(f"{_FORMER}{other.name}"))

    def _kept(self) -> list[AnyPath]:
        found = self.directory.glob("*step_*")
        return [path for path in found if not path.name.startswith(".")]

    def _read_choice(self) -> dict[str, str]:
        choice = {"metric": _METRIC, "protocol": ""}
        try:
            stored = json.loads((self.directory / _CHOICE).read_text())
            choice.update({key: str(stored[key]) for key in choice})
        except FileNotFoundError:
            # Runs of before had none; the copy itself tells nothing.
            return choice
        except (OSError, ValueError, KeyError, TypeError) as error:
            logging.warning(
                "%s cannot be read (%s): the best is that by %s",
                self.directory / _CHOICE,
                error,
                _METRIC,
            )
            return choice
        if choice["metric"] not in metrics.names_of_best():
            logging.warning(
                "%s names %s, which is no metric: the best is that by %s",
                self.directory / _CHOICE,
                choice["metric"],
                _METRIC,
            )
            choice["metric"] = _METRIC
        return choice

    def _write_choice(self, step: int) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        choice = {
            "step": step,
            "metric": self.metric,
            "protocol": self.table.own_protocol(self._digest),
        }
        with replacing(self.directory / _CHOICE) as aside:
            aside.write_text(json.dumps(choice) + "\n")


def _is_there(checkpoint: AnyPath) -> bool:
    """Returns whether a checkpoint is there; in a store, all of it."""
    if storage.is_stored(checkpoint):
        return (checkpoint / MANIFEST).exists()
    return checkpoint.exists()


def _rename(checkpoint: AnyPath, target: AnyPath) -> None:
    if isinstance(checkpoint, storage.StoredPath):
        storage.copy(checkpoint, target, MANIFEST)
        storage.remove_tree(checkpoint)
    else:
        checkpoint.rename(target)


def requested_steps(
    request: str,
    steps: Sequence[int],
    best: BestCheckpoint,
    *,
    allow_all: bool = False,
) -> list[int]:
    """Returns the steps that `--checkpoint` means.

    Args:
        request: `"latest"`, `"best"`, a step or, where it may be, `"all"`.
        steps: the steps that have a checkpoint, the kept best one among them,
            oldest first.
        best: tells the best.
        allow_all: whether more than one step may be asked for.

    Raises:
        UserError: if no checkpoint can meet the request.
    """
    names = ["latest", "best", "all"] if allow_all else ["latest", "best"]
    if request not in names and not request.isdecimal():
        raise UserError(
            f"--checkpoint should be {', '.join(names)} or a step. "
            f"Received: {request!r}"
        )
    wanted = request
    if request == "best":
        step = best.step()
        if step is None:
            raise UserError(
                f"{best.table.path} should hold scores to tell the best "
                f"checkpoint by {best.metric}: score the run with "
                "sagan_tf.evaluate --checkpoint=all first"
            )
        wanted = f"step {step}, the best by {best.metric}"
        found = [step]
    elif request.isdecimal():
        wanted, found = f"step {request}", [int(request)]
    else:
        found = list(steps) if request == "all" else list(steps[-1:])
    place = best.table.path.parent
    if not steps:
        raise UserError(f"{place} should have a checkpoint. Received: none")
    if not set(found) <= set(steps):
        raise UserError(
            f"--checkpoint should be of a step that {place} has: "
            f"{list(steps)}. Received: {wanted}"
        )
    return found
