"""Two workers of one thread against one process of two, on the same cores."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any

import tensorflow as tf

from sagan_tf.training import distribution
from tools.benchmark import ours
from tools.benchmark.ours import Setting

_LAUNCHER = (sys.executable, "-m", "tools.launch_local")
_COMMAND = (sys.executable, "-m", "tools.benchmark.scaling")
_WARM_UP = 2


def rates(
    setting: Setting, dtype: str, workers: int, rounds: int, seconds: float
) -> list[float]:
    """Trains in new processes, as the training command does.

    They are `workers`, which share the batch and two threads. Returns real
    images per second over all of them, by round of at least `seconds`.
    """
    request = json.dumps([dataclasses.asdict(setting), dtype, rounds, seconds])
    with tempfile.TemporaryDirectory(prefix="sagan_tf_scaling_") as logs:
        options = (
            *(f"--workers={workers}", f"--threads={2 // workers}"),
            f"--logs={logs}",
        )
        done = subprocess.run(
            [*_LAUNCHER, *options, "--", *_COMMAND, request],
            capture_output=True,
            text=True,
        )
        texts = [path.read_text() for path in pathlib.Path(logs).glob("*.log")]
    if done.returncode:
        raise RuntimeError("\n".join([done.stderr, *texts]))
    return json.loads(texts[0].splitlines()[-1])


def write_rates(request: str) -> None:
    """Trains as a request says, and writes the rates."""
    arguments, dtype, rounds, seconds = json.loads(request)
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
    steps = max(1, round(seconds / each))
    gan.fit(
        _batches(setting, strategy),
        steps_per_epoch=max(distribution.everywhere(strategy, steps)),
        epochs=rounds,
        verbose=0,
        callbacks=[timer],
    )
    sys.stdout.write(json.dumps(timer.rates) + "\n")


def _batches(setting: Setting, strategy: tf.distribute.Strategy) -> Any:
    """Returns this process's share of a batch, again and again."""
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


if __name__ == "__main__":
    write_rates(sys.argv[1])
