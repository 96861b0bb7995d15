"""Two workers of one thread against one process of two, on the same cores."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import sys
import tempfile
import time
from typing import Any

import tensorflow as tf

from sagan_tf.training import distribution
from tools import local_workers
from tools.benchmarks import ours
from tools.benchmarks.ours import Setting

_PROGRAM = "from tools.benchmarks import scaling; scaling.report({!r})"
_WARM_UP = 2


def rates(
    setting: Setting, dtype: str, workers: int, rounds: int, seconds: float
) -> list[float]:
    """Trains in new processes, as the training command does.

    Args:
        setting: what to train; the batch is that of all workers together.
        dtype: dtype policy.
        workers: number of processes; they share two threads.
        rounds: how often to measure.
        seconds: least length of a round.

    Returns:
        Real pictures per second over all workers, by round.
    """
    arguments = [dataclasses.asdict(setting), dtype, rounds, seconds]
    program = _PROGRAM.format(json.dumps(arguments))
    with tempfile.TemporaryDirectory(prefix="sagan_tf_scaling_") as path:
        logs = pathlib.Path(path)
        processes = local_workers.start(
            [sys.executable, "-c", program], workers, logs, 2 // workers
        )
        failed = local_workers.wait(processes, grace=10.0)
        text = (logs / f"worker_{failed or 0}.log").read_text()
    if failed is not None:
        raise RuntimeError(text)
    return json.loads(text.splitlines()[-1])


def report(request: str) -> None:
    """Trains as a request says, and writes the rates."""
    arguments, dtype, rounds, seconds = json.loads(request)
    arguments["attention_resolutions"] = tuple(
        arguments["attention_resolutions"]
    )
    setting = Setting(**arguments)
    strategy = distribution.create_strategy("auto")
    with strategy.scope():
        gan = ours.build(setting, dtype)
    timer = _Timer(setting.batch_size)
    gan.fit(_batches(setting, strategy), steps_per_epoch=_WARM_UP, verbose=0)
    # Every worker has to take as many steps as the others.
    began = time.monotonic()
    gan.fit(_batches(setting, strategy), steps_per_epoch=2, verbose=0)
    each = (time.monotonic() - began) / 2
    steps = max(distribution.everywhere(strategy, _steps(seconds, each)))
    gan.fit(
        _batches(setting, strategy),
        steps_per_epoch=steps,
        epochs=rounds,
        verbose=0,
        callbacks=[timer],
    )
    sys.stdout.write(json.dumps(timer.rates) + "\n")


def _steps(seconds: float, each: float) -> int:
    return max(1, round(seconds / each))


def _batches(setting: Setting, strategy: tf.distribute.Strategy) -> Any:
    """This process's share of a batch, again and again."""
    count = setting.batch_size // strategy.num_replicas_in_sync
    _, labels, images = setting.draw()
    data = tf.data.Dataset.from_tensors((images[:count], labels[:count]))
    if strategy.num_replicas_in_sync == 1:
        return data.repeat()
    return strategy.distribute_datasets_from_function(
        lambda context: data.repeat()
    )


class _Timer(tf.keras.callbacks.Callback):
    """Notes the rate of each epoch."""

    def __init__(self, batch_size: int):
        super().__init__()
        self.batch_size = batch_size
        self.rates: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock."""
        self._began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stops it."""
        seconds = time.monotonic() - self._began
        steps = self.params["steps"]
        self.rates.append(steps * self.batch_size / seconds)
