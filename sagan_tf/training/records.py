"""What a run records: metrics, measurements of samples, and sheets."""

from __future__ import annotations

from typing import Callable

import numpy as np
import tensorflow as tf
from absl import logging

from sagan_tf.gan import SAGAN
from sagan_tf.training.clock import Clock, peak_memory
from sagan_tf.training.collapse_watch import CollapseWatch
from sagan_tf.training.overfitting_watch import OverfittingWatch
from sagan_tf.training.sinks import Records
from sagan_tf.training.workdir import Workdir
from sagan_tf.visualization import sheets

_PROBED_IMAGES = 1000


class MetricsRecorder:
    """Records metrics.

    Each record averages the steps since the last one: `d_loss`, `g_loss`,
    `d_real` and `d_fake` (mean logits), `d_real_sign` (mean sign of the real
    ones'), `gradient_penalty` if there is one, `augmentation` (a probability)
    if it adapts, `images_per_second` and `waiting` (see `Clock`); and, as they
    stand, every gate, the largest spectral norm and the learning rate of each
    network, and the peak of memory. What others put into `probed` joins the
    record of the same step.

    Args:
        gan: the model.
        records: where to write.
        batch_size: global batch size.
        clock: times the steps.
        watch: looks for a collapse at each record; its values are recorded.
    """

    def __init__(
        self,
        gan: SAGAN,
        records: Records,
        batch_size: int,
        clock: Clock,
        watch: CollapseWatch,
    ):
        self.gan = gan
        self.records = records
        self.batch_size = batch_size
        self.clock = clock
        self.watch = watch
        self._overfitting = OverfittingWatch(gan.augmenter.names)
        self.probed: dict[str, float] = {}
        self._step = int(gan.step.numpy())

    def __call__(self, step: int) -> None:
        """Records the metrics since the last record."""
        if step == self._step:
            return
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
        values.update(self.gan.learning_rates())
        values.update(self.clock.rates(self.batch_size))
        values.update(peak_memory())
        self._step = step
        observed, warnings = self.watch.observe(step, values)
        values.update(observed)
        warnings += self._overfitting.observe(step, values)
        for warning in warnings:
            logging.warning("%s", warning)
            self.records.text(step, "warning", warning)
        self.records.scalars(step, values)


class SheetWriter:
    """Writes a sheet of samples from fixed latents of the averaged generator.

    Rows are classes: all of them, or some among more; without classes they are
    further samples.

    Args:
        gan: the model.
        workdir: where to write `samples/step_STEP.png`.
        records: where the sheet goes too.
        columns: samples per row.
        rows: at most so many rows.
        class_names: captions of the rows; empty without classes.
    """

    def __init__(
        self,
        gan: SAGAN,
        workdir: Workdir,
        records: Records,
        columns: int,
        rows: int,
        class_names: tuple[str, ...] = (),
    ):
        self.directory = workdir.samples
        self.records = records
        self.columns = columns
        self._sampler = gan.sampler
        self._what = "averaged generator" if gan.ema_decay else "generator"
        count = gan.generator.num_classes
        classes = np.zeros(rows, np.int32)
        self.captions = None
        if count:
            some = np.linspace(0, count - 1, min(rows, count))
            classes = np.rint(some).astype(np.int32)
            names = class_names or [f"class {n}" for n in range(count)]
            self.captions = [names[label] for label in classes]
        self._labels = tf.constant(np.repeat(classes, columns))
        self._latents = tf.random.stateless_normal(
            (len(self._labels), gan.generator.latent_dim), (gan.seed, 2**31)
        )

    def __call__(self, step: int) -> None:
        """Draws the sheet of a step."""
        images = self._sampler(self._latents, self._labels)
        # A broken generator draws NaN, one step before its loss shows it.
        images = sheets.to_uint8(np.nan_to_num(images))
        sheet = sheets.image_grid(
            images,
            self.columns,
            row_labels=self.captions,
            enlarge_to=64,
            title=f"{self._what}, step {step:,}",
        )
        path = self.directory / f"step_{step:08d}.png"
        sheets.write_png(str(path), sheet)
        self.records.image(step, "samples", sheet)


class Probe:
    """Measures samples from fixed latents of the averaged generator.

    Args:
        gan: the model.
        recorder: what records the measurements.
        measures: functions by name, from images
            `(batch, height, width, 3)` in [-1, 1] to a number.
    """

    def __init__(
        self,
        gan: SAGAN,
        recorder: MetricsRecorder,
        measures: dict[str, Callable[[np.ndarray], float]],
    ):
        self.recorder = recorder
        self.measures = measures
        self._sampler = gan.sampler
        self._latents = tf.random.stateless_normal(
            (_PROBED_IMAGES, gan.generator.latent_dim), (gan.seed, 2**31 + 1)
        )
        classes = max(gan.generator.num_classes, 1)
        self._labels = tf.range(_PROBED_IMAGES) % classes

    def __call__(self, step: int) -> None:
        """Draws the samples and measures them."""
        images = self._sampler(self._latents, self._labels)
        for name, measure in self.measures.items():
            self.recorder.probed[name] = measure(images)
