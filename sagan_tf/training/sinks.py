"""One writer of what a run records, and the places that it writes to."""

from __future__ import annotations

import errno
import json
import math
import os
from typing import Any, Sequence

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.whole_files import replacing


class Sink:
    """A place that records go to; what it has no use for it leaves."""

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Takes numbers by name."""

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Takes an image `(height, width, 3)`, uint8."""

    def text(self, step: int, name: str, text: str) -> None:
        """Takes a line."""

    def fields(self, values: dict[str, Any]) -> None:
        """Takes the fields of the configuration by name."""


class JsonLines(Sink):
    """`metrics.jsonl`: a JSON object for each record of numbers.

    Sheets are files of their own, the log has the lines, and `config.json` the
    fields.

    Args:
        path: the file.
        step: where the run goes on. What a killed run recorded beyond is
            dropped.

    Attributes:
        kept: the records that were there, in order.
    """

    def __init__(self, path: storage.AnyPath, step: int):
        self._path = path
        self.kept: list[dict[str, Any]] = []
        if path.exists():
            lines = path.read_text().splitlines()
            kept = [line for line in lines if _step_of(line) <= step]
            if len(kept) < len(lines):
                with replacing(path) as aside:
                    aside.write_text("".join(f"{line}\n" for line in kept))
            self.kept = [json.loads(line) for line in kept]

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Appends a line; what is not finite becomes null."""
        rounded = {
            name: float(f"{value:.6g}") if math.isfinite(value) else None
            for name, value in values.items()
        }
        append(self._path, json.dumps({"step": step, **rounded}) + "\n")


class TensorBoard(Sink):
    """Events for TensorBoard: numbers, images, words and hyperparameters.

    Args:
        directory: of the events.
        step: where the run goes on.
    """

    def __init__(self, directory: storage.AnyPath, step: int):
        if directory.exists():
            purge_events(directory, step + 1)
        self._writer = tf.summary.create_file_writer(str(directory))

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Writes numbers."""
        with self._writer.as_default(step=step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
        self._writer.flush()

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Writes an image."""
        with self._writer.as_default(step=step):
            tf.summary.image(name, image[np.newaxis])

    def text(self, step: int, name: str, text: str) -> None:
        """Writes a line."""
        with self._writer.as_default(step=step):
            tf.summary.text(name, text)

    def fields(self, values: dict[str, Any]) -> None:
        """Writes hyperparameters."""
        from tensorboard.plugins.hparams import api

        known = {
            name: value if isinstance(value, (bool, int, float)) else str(value)
            for name, value in values.items()
        }
        with self._writer.as_default(step=0):
            api.hparams(known)


class Records:
    """Writes to every sink.

    Args:
        sinks: where to.
        before: what a run that goes on has recorded, in order.

    Raises:
        OSError: from every method, if a sink cannot be written to.
    """

    def __init__(
        self, sinks: Sequence[Sink], before: Sequence[dict[str, Any]] = ()
    ):
        self.sinks = sinks
        self.before = before

    def scalars(self, step: int, values: dict[str, float]) -> None:
        """Records numbers by name."""
        self._each("scalars", step, values)

    def image(self, step: int, name: str, image: np.ndarray) -> None:
        """Records an image `(height, width, 3)`, uint8."""
        self._each("image", step, name, image)

    def text(self, step: int, name: str, text: str) -> None:
        """Records a line."""
        self._each("text", step, name, text)

    def fields(self, values: dict[str, Any]) -> None:
        """Records the fields of the configuration by name."""
        self._each("fields", values)

    def _each(self, method: str, *arguments: Any) -> None:
        try:
            for sink in self.sinks:
                getattr(sink, method)(*arguments)
        except tf.errors.OpError as error:
            raise OSError(f"{method}: {error.message}") from error


def purge_events(directory: storage.AnyPath, step: int) -> None:
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


def append(path: storage.AnyPath, line: str) -> None:
    """Appends a line, or nothing if there is no room for all of it.

    Args:
        path: the file.
        line: with its end.

    Raises:
        OSError: if there is no room.
    """
    data = line.encode()
    if storage.is_stored(path):
        # It gets the whole file anew, or stays as it was.
        with path.open("ab") as file:
            file.write(data)
        return
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
