"""Ends a run in order when it is interrupted or the machine is taken away."""

from __future__ import annotations

import dataclasses
import os
import signal
from typing import Any, Callable

import tensorflow as tf
from absl import logging

from sagan_tf.training import distribution
from sagan_tf.training.callbacks import SaveEverySteps


class Termination:
    """Notes SIGTERM and SIGINT while it is entered; the second one strikes.

    Before training has begun there is nothing to save, and Ctrl-C ends at once.

    Attributes:
        requested: name of the signal that came; empty if none did.
        is_training: whether there are steps to save.
    """

    _SIGNALS = (signal.SIGTERM, signal.SIGINT)

    def __init__(self) -> None:
        self.requested = ""
        self.is_training = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Termination:
        """Takes the signals over."""
        self._previous = {
            number: signal.signal(number, self._note)
            for number in self._SIGNALS
        }
        return self

    def __exit__(self, *_: Any) -> None:
        """Gives the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: Any) -> None:
        del frame
        if number == signal.SIGINT and not self.is_training:
            raise KeyboardInterrupt
        self.requested = signal.Signals(number).name
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Not by logging: the handler may strike in the middle of it.
        os.write(2, f"\n{self.requested}: saving after this step\n".encode())


@dataclasses.dataclass(frozen=True)
class StopAfter:
    """Asks for the end of training when it makes no progress any more.

    Attributes:
        termination: what is asked.
        best_step: returns the step that scored best, or None.
        every_steps: steps between two evaluations.
        evaluations: how many in a row may be no better.
    """

    termination: Termination
    best_step: Callable[[], int | None]
    every_steps: int
    evaluations: int

    def __call__(self, step: int) -> None:
        """Looks at the scores, after an evaluation."""
        best = self.best_step()
        if best is None:
            return
        if step - best >= self.evaluations * self.every_steps:
            self.termination.requested = (
                f"config.train.stop_after={self.evaluations} (step {best:,} is "
                "best)"
            )


class StopWhenTerminated(tf.keras.callbacks.Callback):
    """Saves and stops after the step in which a signal came.

    All workers stop at the same step, whichever got the signal. It has to be
    the last of the callbacks.

    Args:
        termination: what notes the signal.
        saver: the callback that saves checkpoints.
    """

    def __init__(self, termination: Termination, saver: SaveEverySteps):
        super().__init__()
        self.termination = termination
        self.saver = saver

    def on_train_begin(self, logs: Any = None) -> None:
        """Has the next interrupt wait for the end of a step."""
        self.termination.is_training = True

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Looks for the signal."""
        requested = distribution.everywhere(
            self.model.distribute_strategy,
            int(bool(self.termination.requested)),
        )
        if any(requested):
            # Not in the handler: it may strike in the middle of a write.
            logging.info("saving, for the run is to end")
            self.saver.save_now()
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Lets an interrupt end what follows at once."""
        self.termination.is_training = False
