"""The directory that tells the whole story of a run."""

from __future__ import annotations

import json
import os
from typing import Any

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.whole_files import replacing


class Workdir:
    """Names the files of a run, and writes its configuration.

    - `config.json`: the configuration it runs with;
    - `runs.jsonl`: a line at every start and end;
    - `classes.json`: the names of its classes and the identity of its images;
    - `metrics.jsonl`: one JSON object per record of the metrics;
    - `tensorboard/`: the same as events;
    - `samples/`: sheets from fixed latents, and `real.png`;
    - `checkpoints/`: all that training needs, one directory per step;
    - `curves.png`: the metrics over steps;
    - `scores.csv`, `scores.png`: every score, and the scores over steps;
    - `best/`: a copy of the checkpoint that scored best;
    - `card.json`: what weights are that come with the package;
    - `saved_model/`: what other commands add.

    Args:
        path: the directory or its address in a store; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = storage.at(path)
        self.config = self.path / "config.json"
        self.classes = self.path / "classes.json"
        self.runs = self.path / "runs.jsonl"
        self.metrics = self.path / "metrics.jsonl"
        self.curves = self.path / "curves.png"
        self.tensorboard = self.path / "tensorboard"
        self.samples = self.path / "samples"
        self.checkpoints = self.path / "checkpoints"
        self.scores = self.path / "scores.csv"
        self.score_plot = self.path / "scores.png"
        self.best = self.path / "best"
        self.card = self.path / "card.json"

    def check(self) -> None:
        """Refuses a directory that cannot be made, without making it.

        Raises:
            UserError: if a file is in its place, or it is not writable.
        """
        if storage.is_stored(self.path):
            # Whether it takes files is seen when it gets one.
            return
        there = next(
            path
            for path in (self.path, *self.path.absolute().parents)
            if path.exists()
        )
        if not there.is_dir():
            raise UserError(
                f"--workdir should be a directory. Received: {self.path}, "
                "which is a file or below one"
            )
        if not os.access(there, os.W_OK):
            raise UserError(f"--workdir {self.path} should be writable")

    def create(self) -> None:
        """Makes the directory.

        Raises:
            UserError: as `check`.
        """
        self.check()
        self.path.mkdir(parents=True, exist_ok=True)

    def write_config(self, config: dict[str, Any]) -> None:
        """Stores a configuration; nobody ever sees half of it."""
        self.create()
        with replacing(self.config) as aside:
            aside.write_text(json.dumps(config, indent=2) + "\n")
