"""What happens between the calls of the training graph."""

from __future__ import annotations

import sys
import time
from typing import Any, Callable, Sequence

import tensorflow as tf
import tqdm
from absl import logging

from sagan_tf.errors import DivergedError, UserError, one_line
from sagan_tf.progress import progress_bar
from sagan_tf.training.checkpoints import Checkpoints

# Somebody may make room on a full disk meanwhile.
_SECONDS_BEFORE_TRYING_AGAIN = (1.0, 5.0)
# After so long the rate of the first steps tells the time of the rest.
_SECONDS_OF_FIRST_STEPS = 5.0


class EverySteps(tf.keras.callbacks.Callback):
    """Calls a function at multiples of a number of steps, and at the end.

    Keras calls back after each call of the graph, which runs several steps;
    `CallLengths` has a call end where something is due. What cannot be written,
    because a disk is full, is a warning, not the end of training.

    Args:
        interval: number of steps, at least 1.
        action: called with the step.
        last: the last step of training, at which it is called too.
        what: what the action writes, for the warning.
    """

    def __init__(
        self,
        interval: int,
        action: Callable[[int], None],
        last: int,
        what: str = "record",
    ):
        super().__init__()
        self.interval = interval
        self.action = action
        self.last = last
        self.what = what
        self._called = self._seen = -1

    def on_train_begin(self, logs: Any = None) -> None:
        """Counts what a restored run has done already as done."""
        self._called = self._seen = int(self.model.step.numpy())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls the action if the step is due."""
        step = int(self.model.step.numpy())
        # A run that was stopped may go on beside the multiples.
        is_due = step // self.interval != self._seen // self.interval
        if is_due or step >= self.last:
            self._call(step)
        self._seen = step

    def _call(self, step: int) -> None:
        try:
            self.action(step)
        except OSError as error:
            logging.warning(
                "the %s of step %d is not written, training goes on: %s",
                self.what,
                step,
                error,
            )
        else:
            self._called = step


class CallLengths(tf.keras.callbacks.Callback):
    """Ends each call of the graph where something is due.

    Keras's graph reads its number of steps from a variable, so a shorter call
    is no other graph.

    Args:
        longest: steps in a call, as the model was compiled.
        intervals: in steps; calls end at their multiples.
        last: the last step of training.
    """

    def __init__(self, longest: int, intervals: Sequence[int], last: int):
        super().__init__()
        self.longest = longest
        self.intervals = intervals
        self.last = last

    def on_train_begin(self, logs: Any = None) -> None:
        """Sets the length of the first call."""
        step = int(self.model.step.numpy())
        due = [(step // every + 1) * every - step for every in self.intervals]
        if self.longest > 1:
            length = min(self.longest, self.last - step, *due)
            self.model.steps_per_execution = max(length, 1)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Sets the length of the next call."""
        self.on_train_begin()


class SaveEverySteps(EverySteps):
    """Saves checkpoints; the last has to succeed, for training was for it."""

    def save_now(self) -> None:
        """Saves the present step, if that is not done.

        Raises:
            UserError: if it cannot be written, tried again after a while.
        """
        step = int(self.model.step.numpy())
        if step == self._called:
            return
        for seconds in (*_SECONDS_BEFORE_TRYING_AGAIN, None):
            try:
                self.action(step)
                self._called = step
                return
            except OSError as error:
                if seconds is None:
                    raise UserError(
                        f"the checkpoint of step {step} should be written at "
                        f"the end. Received: {one_line(error)}; make room, and "
                        "the same command goes on from the checkpoint before"
                    ) from error
            logging.warning(
                "the checkpoint of step %d is not written: trying again in "
                "%g s",
                step,
                seconds,
            )
            time.sleep(seconds)

    def _call(self, step: int) -> None:
        if step >= self.last:
            self.save_now()
        else:
            super()._call(step)


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Ends training when a loss is not finite, naming the step.

    Raises:
        DivergedError: with the step and what is left to go on from.
    """

    def __init__(self, checkpoints: Checkpoints):
        super().__init__()
        self.checkpoints = checkpoints

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Checks the last call."""
        broken = int(self.model.nonfinite_step.numpy())
        if broken >= 0:
            steps = self.checkpoints.steps()
            kept = f"checkpoint {steps[-1]} stays" if steps else "none is saved"
            raise DivergedError(
                f"a loss should be finite; at step {broken} it was not; {kept}"
            )


class ProgressBar(tf.keras.callbacks.Callback):
    """Shows steps, rate, time left and both losses on standard error.

    The first call of the graph compiles it, and is no measure of the rest: time
    is taken from its end on, and soon after it a line says how long the run
    will take. TensorFlow Addons has such a bar, which counts calls of the graph
    for steps and starts at zero in a restored run.

    Args:
        num_steps: the last step of the run.
        hidden: whether to show nothing, beside a worker that shows it.
    """

    def __init__(self, num_steps: int, hidden: bool = False):
        super().__init__()
        self.num_steps = num_steps
        self.hidden = hidden
        self._bar: tqdm.tqdm | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the bar at the restored step."""
        self._is_compiled, self._is_foretold = False, self.hidden
        self._bar = progress_bar(
            self.num_steps,
            "step",
            initial=int(self.model.step.numpy()),
            is_hidden=self.hidden,
            stays=True,
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        bar, step = self._bar, int(self.model.step.numpy())
        if not self._is_compiled:
            bar.initial = bar.n = bar.last_print_n = step
            bar.start_t = bar.last_print_t = time.time()
            self._is_compiled = True
        if logs:
            bar.set_postfix(
                {
                    name: f"{float(logs[name]):.2f}"
                    for name in ("d_loss", "g_loss")
                },
                refresh=False,
            )
        bar.update(step - bar.n)
        seconds = time.time() - bar.start_t
        if not self._is_foretold and seconds >= _SECONDS_OF_FIRST_STEPS:
            self._is_foretold = True
            self._foretell((step - bar.initial) / seconds)

    def _foretell(self, rate: float) -> None:
        bar = self._bar
        left = bar.format_interval((bar.total - bar.n) / rate)
        bar.write(
            f"{'time':15} about {left} to step {bar.total:,}, at the first "
            f"steps' {rate:.3g} steps/s",
            file=sys.stderr,
        )

    def close(self) -> None:
        """Leaves the bar as it stands."""
        if self._bar is not None:
            self._bar.close()
