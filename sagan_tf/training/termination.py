"""Ends a run in order when the machine is taken away."""

from __future__ import annotations

import signal
from typing import Any

import tensorflow as tf
from absl import logging

from sagan_tf.training import distribution
from sagan_tf.training.callbacks import EverySteps


class Termination:
    """Notes SIGTERM while it is entered; a second one ends the process.

    Attributes:
        requested: whether the signal came.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: Any = None

    def __enter__(self) -> Termination:
        """Takes the signal over."""
        self._previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def __exit__(self, *_: Any) -> None:
        """Gives the signal back."""
        signal.signal(signal.SIGTERM, self._previous)

    def _note(self, number: int, frame: Any) -> None:
        del frame
        self.requested = True
        signal.signal(number, signal.SIG_DFL)


class StopWhenTerminated(tf.keras.callbacks.Callback):
    """Saves and stops after the step in which a signal came.

    All workers stop at the same step, whichever got the signal. It has to be
    the last of the callbacks.

    Args:
        termination: what notes the signal.
        saver: the callback that saves checkpoints.
    """

    def __init__(self, termination: Termination, saver: EverySteps):
        super().__init__()
        self.termination = termination
        self.saver = saver

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks for the signal."""
        requested = distribution.everywhere(
            self.model.distribute_strategy, int(self.termination.requested)
        )
        if any(requested):
            # Not in the handler: it may strike in the middle of a write.
            logging.warning("SIGTERM: saving after this step")
            self.saver.call_now()
            self.model.stop_training = True
