"""What several workers of one run have to agree on."""

from __future__ import annotations

import contextlib
import tempfile
from typing import Iterator

import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN
from sagan_tf.training import distribution
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir

# What a collective operation ends in when a peer does not answer.
_LOSSES = (
    tf.errors.UnavailableError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.InternalError,
)


@contextlib.contextmanager
def own_workdir(
    strategy: tf.distribute.Strategy, workdir: Workdir
) -> Iterator[Workdir]:
    """Yields where this process writes: the chief alone into the workdir.

    Saving gathers variables from all workers, so the others save too, into a
    directory that is removed at the end.
    """
    if distribution.is_chief(strategy):
        yield workdir
        return
    with tempfile.TemporaryDirectory(prefix="sagan_tf_worker_") as path:
        yield Workdir(path)


def restore_latest(gan: SAGAN, checkpoints: Checkpoints) -> None:
    """Restores the newest checkpoint, the same one on every worker.

    Args:
        gan: the compiled model to restore into.
        checkpoints: of the run, where all workers see them.

    Raises:
        UserError: if nothing can be read, or workers see different files.
    """
    step = checkpoints.restore_latest(gan)
    steps = distribution.everywhere(gan.distribute_strategy, step)
    if len(set(steps)) > 1:
        raise UserError(
            "--workdir should be a directory that all workers share. Received: "
            f"checkpoints of the steps {sorted(set(steps))}"
        )


@contextlib.contextmanager
def losses_explained(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Says in one line that another worker is gone.

    Raises:
        UserError: in place of what TensorFlow raises then.
    """
    try:
        yield
    except _LOSSES as error:
        if not distribution.has_workers(strategy):
            raise
        raise UserError(
            "another worker does not answer: start all of them again with the "
            "same command, and the run goes on from its last checkpoint. "
            f"Received: {str(error.message).splitlines()[0][:200]}"
        ) from error
