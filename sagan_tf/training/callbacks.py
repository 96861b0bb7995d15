"""What happens between the calls of the training graph."""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any, Callable

import numpy as np
import tensorflow as tf
import tqdm
from absl import logging

from sagan_tf import visualization
from sagan_tf.errors import UserError
from sagan_tf.gan import SAGAN
from sagan_tf.sampling import Sampler
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir


class EverySteps(tf.keras.callbacks.Callback):
    """Calls a function at multiples of a number of steps, and at the end.

    Keras calls back after each execution of the graph, which runs several
    steps: the interval has to be a multiple of that number.

    Args:
        interval: number of steps, at least 1.
        action: called with the step.
        at_end: whether to call it once more at the end of training, if the
            last step is no multiple.
    """

    def __init__(
        self, interval: int, action: Callable[[int], None], at_end: bool = True
    ):
        super().__init__()
        self.interval = interval
        self.action = action
        self.at_end = at_end
        self._last = -1

    def on_train_begin(self, logs: Any = None) -> None:
        """Counts what a restored run has done already as done."""
        self._last = int(self.model.step.numpy())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Calls the action if the step is due."""
        step = int(self.model.step.numpy())
        if step % self.interval == 0:
            self._call(step)

    def on_train_end(self, logs: Any = None) -> None:
        """Calls the action for the last step."""
        if self.at_end:
            self._call(int(self.model.step.numpy()))

    def _call(self, step: int) -> None:
        if step != self._last:
            self._last = step
            self.action(step)


class StopOnNonFinite(tf.keras.callbacks.Callback):
    """Ends training when a loss is not finite, naming the step.

    Raises:
        UserError: with the step and what is left to go on from.
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
            raise UserError(
                f"a loss should be finite; at step {broken} it was not; "
                f"{kept}; lower the learning rates or use float32"
            )


class MetricsRecorder:
    """Writes metrics to `metrics.jsonl` and to TensorBoard.

    Each record averages the steps since the last one: `d_loss`, `g_loss`,
    `d_real` and `d_fake` (mean logits), `images_per_second` (real pictures
    through generator updates), and, as they stand, every gate and the largest
    spectral norm of each network.

    Args:
        gan: the model.
        workdir: where to write.
        batch_size: global batch size.
    """

    def __init__(self, gan: SAGAN, workdir: Workdir, batch_size: int):
        self.gan = gan
        self.batch_size = batch_size
        self._path = workdir.metrics
        self._writer = tf.summary.create_file_writer(str(workdir.tensorboard))
        self._step = int(gan.step.numpy())
        self._time = time.monotonic()
        self._drop_later_records()

    def _drop_later_records(self) -> None:
        """Drops what a killed run recorded after the restored checkpoint."""
        if not self._path.exists():
            return
        lines = self._path.read_text().splitlines()
        kept = [line for line in lines if _step_of(line) <= self._step]
        if len(kept) < len(lines):
            aside = self._path.with_suffix(".jsonl.tmp")
            aside.write_text("".join(f"{line}\n" for line in kept))
            aside.replace(self._path)

    def __call__(self, step: int) -> None:
        """Records the metrics since the last record."""
        values = {
            name: float(tracker.result().numpy())
            for name, tracker in self.gan.trackers.items()
        }
        self.gan.reset_metrics()
        for network in (self.gan.generator, self.gan.discriminator):
            for name, value in network.diagnostics().items():
                values[f"{network.name}/{name}"] = value
        now = time.monotonic()
        images = (step - self._step) * self.batch_size
        values["images_per_second"] = images / max(now - self._time, 1e-9)
        self._step, self._time = step, now
        self._write(step, values)

    def _write(self, step: int, values: dict[str, float]) -> None:
        rounded = {
            name: float(f"{value:.6g}") if math.isfinite(value) else None
            for name, value in values.items()
        }
        with self._path.open("a") as file:
            file.write(json.dumps({"step": step, **rounded}) + "\n")
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self._writer.flush()


def _step_of(line: str) -> float:
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return math.inf


class SheetWriter:
    """Writes a sheet of samples from fixed latents of the averaged generator.

    Rows are classes, in order; without classes rows are further samples.

    Args:
        gan: the model.
        workdir: where to write `samples/step_STEP.png`.
        columns: samples per row.
        rows: rows, repeating the classes from the first.
        class_names: captions of the rows; empty without classes.
    """

    def __init__(
        self,
        gan: SAGAN,
        workdir: Workdir,
        columns: int,
        rows: int,
        class_names: tuple[str, ...] = (),
    ):
        self.directory = workdir.samples
        self._sampler = Sampler(gan.ema_generator)
        self.columns = columns
        classes = np.arange(rows) % max(gan.generator.num_classes, 1)
        self.captions = (
            [class_names[index] for index in classes] if class_names else None
        )
        self._labels = tf.constant(np.repeat(classes, columns), tf.int32)
        self._latents = tf.random.stateless_normal(
            (rows * columns, gan.generator.latent_dim), (gan.seed, 2**31)
        )

    def __call__(self, step: int) -> None:
        """Draws the sheet of a step."""
        images = visualization.to_uint8(
            self._sampler(self._latents, self._labels)
        )
        factor = max(1, 64 // images.shape[1])
        sheet = visualization.image_grid(
            visualization.upscale(images, factor),
            self.columns,
            row_labels=self.captions,
        )
        path = self.directory / f"step_{step:08d}.png"
        visualization.write_png(str(path), sheet)


class CheckpointSaver:
    """Saves a checkpoint; a full disk is a warning, not an end.

    Args:
        gan: the model.
        checkpoints: where to save.
    """

    def __init__(self, gan: SAGAN, checkpoints: Checkpoints):
        self.gan = gan
        self.checkpoints = checkpoints

    def __call__(self, step: int) -> None:
        """Saves the present state."""
        try:
            self.checkpoints.save(self.gan)
        except OSError as error:
            logging.warning(
                "step %d is not saved, training goes on: %s", step, error
            )


class ProgressBar(tf.keras.callbacks.Callback):
    """Shows steps, rate, time left and both losses on standard error.

    TensorFlow Addons has such a bar, which counts calls of the graph for
    steps and starts at zero in a restored run.

    Args:
        num_steps: the last step of the run.
    """

    def __init__(self, num_steps: int):
        super().__init__()
        self.num_steps = num_steps
        self._bar: tqdm.tqdm | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the bar at the restored step."""
        self._bar = tqdm.tqdm(
            total=self.num_steps,
            initial=int(self.model.step.numpy()),
            unit="step",
            file=sys.stderr,
            # A file or a pipe gets a line now and then, not a flood.
            mininterval=0.5 if sys.stderr.isatty() else 15.0,
            dynamic_ncols=sys.stderr.isatty(),
        )

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Moves the bar."""
        if logs:
            self._bar.set_postfix(
                {
                    name: f"{float(logs[name]):.2f}"
                    for name in ("d_loss", "g_loss")
                },
                refresh=False,
            )
        self._bar.update(int(self.model.step.numpy()) - self._bar.n)

    def close(self) -> None:
        """Leaves the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the bar."""
        self.close()
