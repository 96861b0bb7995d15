"""What a run records: metrics, measurements of samples, and sheets."""

from __future__ import annotations

import errno
import json
import math
import os
import pathlib
import time
from typing import Callable

import numpy as np
import tensorflow as tf

from sagan_tf.gan import SAGAN
from sagan_tf.gan.sampling import Sampler
from sagan_tf.training import collapse_watch
from sagan_tf.training.collapse_watch import CollapseWatch
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import sheets
from sagan_tf.whole_files import replacing


class MetricsRecorder:
    """Writes metrics to `metrics.jsonl` and to TensorBoard.

    Each record averages the steps since the last one: `d_loss`, `g_loss`,
    `d_real` and `d_fake` (mean logits), `images_per_second` (real pictures
    through generator updates), and, as they stand, every gate and the largest
    spectral norm of each network. What others put into `probed` joins the
    next record.

    Args:
        gan: the model.
        workdir: where to write.
        batch_size: global batch size.
        watch: looks for a collapse at each record; its values are recorded.
    """

    def __init__(
        self,
        gan: SAGAN,
        workdir: Workdir,
        batch_size: int,
        watch: CollapseWatch | None = None,
    ):
        self.gan = gan
        self.batch_size = batch_size
        self.watch = watch
        self.probed: dict[str, float] = {}
        self._path = workdir.metrics
        if workdir.tensorboard.exists():
            purge_events(workdir.tensorboard, int(gan.step.numpy()) + 1)
        self._writer = tf.summary.create_file_writer(str(workdir.tensorboard))
        self._step = int(gan.step.numpy())
        self._time = time.monotonic()
        kept = self._drop_later_records()
        if watch is not None:
            watch.recall(map(json.loads, kept))

    def _drop_later_records(self) -> list[str]:
        """Drops what a killed run recorded after the restored checkpoint.

        Returns:
            The lines that stay.
        """
        if not self._path.exists():
            return []
        lines = self._path.read_text().splitlines()
        kept = [line for line in lines if _step_of(line) <= self._step]
        if len(kept) < len(lines):
            with replacing(self._path) as aside:
                aside.write_text("".join(f"{line}\n" for line in kept))
        return kept

    def __call__(self, step: int) -> None:
        """Records the metrics since the last record."""
        values = {
            name: float(tracker.result().numpy())
            for name, tracker in self.gan.trackers.items()
        }
        self.gan.reset_metrics()
        values.update(self.probed)
        self.probed.clear()
        for network in (self.gan.generator, self.gan.discriminator):
            for name, value in network.diagnostics().items():
                values[f"{network.name}/{name}"] = value
        if self.watch is not None:
            observed, warnings = self.watch.observe(step, values)
            values.update(observed)
            with self._writer.as_default(step=step):
                collapse_watch.report(warnings)
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
        _append(self._path, json.dumps({"step": step, **rounded}) + "\n")
        try:
            with self._writer.as_default(step=step):
                for name, value in values.items():
                    tf.summary.scalar(name, value)
            self._writer.flush()
        except tf.errors.OpError as error:
            raise OSError(f"TensorBoard's events: {error.message}") from error


def purge_events(directory: pathlib.Path, step: int) -> None:
    """Has TensorBoard forget what was recorded from a step on.

    A killed run has recorded more than its last checkpoint knows of; the run
    that goes on records these steps again.

    Args:
        directory: of the events.
        step: the first step to forget.
    """
    # The writer of TensorFlow 2 has no such word.
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(directory))
        start = tf.compat.v1.SessionLog(status=tf.compat.v1.SessionLog.START)
        # TensorBoard takes the first that it sees for the start of the run.
        for _ in range(2):
            writer.add_session_log(start, step)
        writer.close()


def _append(path: pathlib.Path, line: str) -> None:
    """Appends a line, or nothing if there is no room for all of it."""
    data = line.encode()
    with path.open("ab", buffering=0) as file:
        end = file.tell()
        if file.write(data) < len(data):
            file.truncate(end)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


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
        images = self._sampler(self._latents, self._labels)
        # A broken generator draws NaN, one step before its loss shows it.
        images = sheets.to_uint8(np.nan_to_num(images))
        sheet = sheets.image_grid(
            images, self.columns, row_labels=self.captions, enlarge_to=64
        )
        path = self.directory / f"step_{step:08d}.png"
        sheets.write_png(str(path), sheet)


class Probe:
    """Measures samples of the averaged generator while it trains.

    Args:
        gan: the model.
        recorder: what records the measurements.
        measures: functions by name, from pictures
            `(batch, height, width, 3)` in [-1, 1] to a number.
        num_images: number of samples; the same latents every time.
    """

    def __init__(
        self,
        gan: SAGAN,
        recorder: MetricsRecorder,
        measures: dict[str, Callable[[np.ndarray], float]],
        num_images: int = 1000,
    ):
        self.recorder = recorder
        self.measures = measures
        self._sampler = Sampler(gan.ema_generator)
        self._latents = tf.random.stateless_normal(
            (num_images, gan.generator.latent_dim), (gan.seed, 2**31 + 1)
        )
        self._labels = tf.range(num_images) % max(gan.generator.num_classes, 1)

    def __call__(self, step: int) -> None:
        """Draws the samples and measures them."""
        images = self._sampler(self._latents, self._labels)
        for name, measure in self.measures.items():
            self.recorder.probed[name] = measure(images)
