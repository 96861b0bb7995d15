"""How long steps take, and how long they wait for data."""

from __future__ import annotations

import resource
import time
from typing import Any

import numpy as np
import tensorflow as tf

_GIB = 2**30


class Clock(tf.keras.callbacks.Callback):
    """Times the calls of the training graph and nothing else.

    The first call is left out: in it the graph is traced and compiled.
    Callbacks before this one should wait until a call is over.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_compiled = False
        self._waits = False
        self._waited = self._waited_before = 0.0
        self._step = self._steps = 0
        self._began = self._seconds = 0.0

    def watch(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the same batches; how long each is waited for is noted."""
        self._waits = True
        times = tf.data.Dataset.from_tensors(0).repeat()
        # TensorFlow's own clock is an error where it should be deterministic.
        now = times.map(lambda _: tf.numpy_function(_now, [], tf.float64))
        options = tf.data.Options()
        # A buffer behind this would do the waiting.
        options.experimental_optimization.inject_prefetch = False
        # The members of a tuple are asked for one after the other.
        watched = tf.data.Dataset.zip((now, batches, now))
        return watched.map(self._note).with_options(options)

    def _note(self, before: tf.Tensor, batch: Any, after: tf.Tensor) -> Any:
        noted = tf.numpy_function(self._add, [after - before], tf.float64)
        with tf.control_dependencies([noted]):
            return tf.nest.map_structure(tf.identity, batch)

    def _add(self, seconds: np.ndarray) -> np.ndarray:
        self._waited += float(seconds)
        return seconds

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Notes when a call begins."""
        self._step = int(self.model.step.numpy())
        self._waited_before = self._waited
        self._began = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Adds the time of a call."""
        step = int(self.model.step.numpy())
        if self._is_compiled:
            self._seconds += time.monotonic() - self._began
            self._steps += step - self._step
        else:
            self._waited = self._waited_before
        self._is_compiled = True

    def rates(self, batch_size: int) -> dict[str, float]:
        """Returns rates since the last time; nothing if there was no call.

        Args:
            batch_size: global batch size.

        Returns:
            `images_per_second` (real images through generator updates) and
            `waiting` (the share of the time that steps waited for data).
        """
        seconds, steps, waited = self._seconds, self._steps, self._waited
        self._seconds, self._steps, self._waited = 0.0, 0, 0.0
        if not steps:
            return {}
        rates = {"images_per_second": steps * batch_size / max(seconds, 1e-9)}
        if self._waits:
            rates["waiting"] = min(waited / max(seconds, 1e-9), 1.0)
        return rates


def _now() -> np.float64:
    return np.float64(time.monotonic())


def peak_memory() -> dict[str, float]:
    """Returns the most memory that was taken so far, in GiB.

    Returns:
        `host_memory` of this process, and `device_memory` of the GPU that took
        the most, if there is one.
    """
    # In KiB on Linux.
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    found = {"host_memory": usage}
    peaks = [
        tf.config.experimental.get_memory_info(f"GPU:{index}")["peak"]
        for index in range(len(tf.config.list_logical_devices("GPU")))
    ]
    if peaks:
        found["device_memory"] = max(peaks) / _GIB
    return found
