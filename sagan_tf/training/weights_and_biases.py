"""A run's records in Weights & Biases, beside those in its workdir."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import numpy as np

from sagan_tf import storage
from sagan_tf.errors import UserError, one_line
from sagan_tf.training.sinks import Sink
from sagan_tf.training.workdir import Workdir

_FIELD = "config.log.wandb"


def import_package() -> Any:
    """Returns the package.

    Raises:
        UserError: if it is not installed, or a release for another protobuf
            than TensorFlow's.
    """
    try:
        import wandb
    except ImportError as error:
        # Releases after 0.28 want a later one than TensorFlow 2.15 takes.
        older = ' "protobuf<5"' if sys.version_info < (3, 12) else ""
        raise UserError(
            f"{_FIELD} needs the package wandb: python -m pip install "
            f"wandb{older} ({one_line(error)})"
        ) from error
    return wandb


class WeightsAndBiases(Sink):
    """A sink of records: numbers, images, words and fields.

    WANDB_MODE=offline keeps them in the workdir for `wandb sync`, or in the
    present directory where the workdir is in a store.

    Args:
        project: where the run is filed.
        workdir: of the run. One that goes on there goes on here as well.

    Raises:
        UserError: if the package or the account does not answer.
    """

    def __init__(self, project: str, workdir: Workdir):
        self._wandb = import_package()
        is_stored = storage.is_stored(workdir.path)
        try:
            self._run = self._wandb.init(
                project=project,
                name=workdir.path.name,
                id=_identity(workdir),
                resume="allow",
                dir=None if is_stored else str(workdir.path),
            )
        # An account raises errors of many kinds.
        except Exception as error:
            raise UserError(
                f"{_FIELD}={project}: {one_line(error)}; WANDB_MODE=offline "
                "needs no account"
            ) from error
        # Steps of a run that goes on behind a kill come twice.
        self._run.define_metric("step")
        self._run.define_metric("*", step_metric="step")

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Logs numbers."""
        self._run.log({"step": step, **values})

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Logs an image."""
        self._run.log({"step": step, name: self._wandb.Image(image)})

    def text(self, step: int, name: str, text: str) -> None:
        """Logs a line."""
        self._run.log({"step": step, name: text})

    def fields(self, values: dict[str, Any]) -> None:
        """Sets the run's configuration."""
        self._run.config.update(values, allow_val_change=True)


def _identity(workdir: Workdir) -> str | None:
    """Returns what tells a run from all others: how it began, and where."""
    if not workdir.runs.exists():
        return None
    first = workdir.runs.read_text().partition("\n")[0]
    return hashlib.sha256(first.encode()).hexdigest()[:16]
