"""The training loop: `Model.fit` with the callbacks of a run."""

from __future__ import annotations

import dataclasses
from typing import Callable, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf.data import ImageDataset
from sagan_tf.gan import SAGAN
from sagan_tf.training import callbacks, distribution
from sagan_tf.training.attention_probe import AttentionProbe
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.clock import Clock
from sagan_tf.training.collapse_watch import CollapseWatch
from sagan_tf.training.records import MetricsRecorder, Probe, SheetWriter
from sagan_tf.training.sinks import Records
from sagan_tf.training.termination import StopWhenTerminated, Termination
from sagan_tf.training.workdir import Workdir

# Real images whose spread generated ones are held against.
_WATCHED_IMAGES = 256
# From images (batch, height, width, 3) in [-1, 1] to a number.
Measure = Callable[[np.ndarray], float]


@dataclasses.dataclass(frozen=True)
class Schedule:
    """When a run does what; every interval is in steps.

    Attributes:
        num_steps: the last step.
        batch_size: global batch size of an update.
        log_every: interval of the metrics.
        sheet_every: interval of the sheets.
        sheet_columns: samples per row of a sheet.
        sheet_rows: rows of a sheet, at most.
        checkpoint_every: interval of the checkpoints.
        steps_per_call: steps in one call of the graph, at most.
    """

    num_steps: int
    batch_size: int
    log_every: int = 100
    sheet_every: int = 500
    sheet_columns: int = 10
    sheet_rows: int = 10
    checkpoint_every: int = 500
    steps_per_call: int = 1

    @property
    def intervals(self) -> tuple[int, ...]:
        """Returns every interval."""
        return self.log_every, self.sheet_every, self.checkpoint_every


def train(
    gan: SAGAN,
    dataset: ImageDataset,
    workdir: Workdir,
    checkpoints: Checkpoints,
    schedule: Schedule,
    records: Records,
    measures: dict[str, Measure] | None = None,
    extra_callbacks: Sequence[tf.keras.callbacks.Callback] = (),
    termination: Termination | None = None,
) -> int:
    """Trains from the step that `gan` stands at to the last one.

    Under a strategy of several workers each has to call it, with a workdir and
    checkpoints of its own but for the chief's: what is drawn and saved is
    gathered from all.

    Args:
        gan: a compiled model before its last step, restored if there was a
            checkpoint.
        dataset: the real images.
        workdir: where sheets go.
        checkpoints: where checkpoints go.
        schedule: when what happens.
        records: where metrics and images go.
        measures: functions of 1,000 samples by the name of their result,
            called whenever a sheet is drawn and recorded with the metrics.
        extra_callbacks: called after those of every run.
        termination: notes the signal that asks for an early end.

    Returns:
        The step reached.

    Raises:
        DivergedError: if a loss was not finite.
    """
    start = int(gan.step.numpy())
    strategy = gan.distribute_strategy
    bar = callbacks.ProgressBar(
        schedule.num_steps, hidden=not distribution.is_chief(strategy)
    )
    saver = callbacks.SaveEverySteps(
        schedule.checkpoint_every,
        lambda step: checkpoints.save(gan),
        schedule.num_steps,
        "checkpoint",
    )
    clock = Clock()
    lengths = callbacks.CallLengths(
        schedule.steps_per_call, schedule.intervals, schedule.num_steps
    )
    try:
        gan.fit(
            _batches(gan, dataset, schedule, start, clock),
            epochs=1,
            steps_per_epoch=schedule.num_steps - start,
            verbose=0,
            callbacks=[
                # It waits for the end of a call, so the clock comes after it.
                callbacks.StopOnNonFinite(checkpoints),
                clock,
                lengths,
                bar,
                *_periodic(
                    gan,
                    dataset,
                    workdir,
                    schedule,
                    measures,
                    clock,
                    records,
                ),
                saver,
                *extra_callbacks,
                StopWhenTerminated(termination or Termination(), saver),
            ],
        )
    finally:
        bar.close()
    return int(gan.step.numpy())


def _batches(
    gan: SAGAN,
    dataset: ImageDataset,
    schedule: Schedule,
    start: int,
    clock: Clock,
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """The real images from a step on, for the replicas of this process."""
    strategy = gan.distribute_strategy
    batch_size = schedule.batch_size * gan.discriminator_steps
    if strategy.num_replicas_in_sync == 1:
        batches = dataset.training_batches(
            batch_size, seed=gan.seed, start_batch=start
        )
        # Other strategies take batches ahead, so nobody can be seen to wait.
        is_default = strategy is tf.distribute.get_strategy()
        return clock.watch(batches) if is_default else batches

    def read(context: tf.distribute.InputContext) -> tf.data.Dataset:
        replicas = context.num_replicas_in_sync
        here = replicas // context.num_input_pipelines
        first = context.input_pipeline_id * here
        return dataset.training_batches(
            batch_size,
            seed=gan.seed,
            start_batch=start,
            updates=gan.discriminator_steps,
            num_replicas=replicas,
            replicas=range(first, first + here),
        )

    return strategy.distribute_datasets_from_function(read)


def _periodic(
    gan: SAGAN,
    dataset: ImageDataset,
    workdir: Workdir,
    schedule: Schedule,
    measures: dict[str, Measure] | None,
    clock: Clock,
    records: Records,
) -> list[tf.keras.callbacks.Callback]:
    """Metrics and sheets, each at its interval."""
    sheets = SheetWriter(
        gan,
        workdir,
        records,
        schedule.sheet_columns,
        schedule.sheet_rows,
        dataset.class_names,
    )
    some = min(dataset.num_examples, _WATCHED_IMAGES)
    batch = next(iter(dataset.ordered_batches(some)))
    real_images, real_labels = (tensor.numpy() for tensor in batch)
    watch = CollapseWatch(gan, real_images)
    watch.recall(records.before)
    recorder = MetricsRecorder(gan, records, schedule.batch_size, clock, watch)
    attention = AttentionProbe(
        gan,
        recorder.probed,
        records,
        real_images,
        real_labels,
        dataset.class_names,
    )
    # What is probed joins the record of the same step.
    actions = [(schedule.sheet_every, attention.measure, "look at attention")]
    if measures:
        probe = Probe(gan, recorder, measures)
        actions.append((schedule.sheet_every, probe, "measurement"))
    actions += [
        (schedule.log_every, recorder, "metrics"),
        (schedule.sheet_every, recorder, "metrics"),
        (schedule.sheet_every, sheets, "sheet"),
        (schedule.sheet_every, attention.draw, "page of attention"),
    ]
    return [
        callbacks.EverySteps(interval, action, schedule.num_steps, what)
        for interval, action, what in actions
    ]
