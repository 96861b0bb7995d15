"""An exported generator, read again."""

from __future__ import annotations

import json
import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from sagan_tf.errors import UserError

CARD = pathlib.Path("assets.extra") / "model_card.json"
_NEEDED = ("serving_default", "generate")


class ExportedGenerator:
    """Draws with a SavedModel that `python -m sagan_tf.export` wrote.

    Args:
        path: the SavedModel's directory.

    Attributes:
        card: the model card, empty if there is none.
        signatures: functions by name, called with tensors by name.

    Raises:
        UserError: if it is no SavedModel of a generator.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = pathlib.Path(path)
        self._model = _load(self.path)
        self.signatures = self._model.signatures
        missing = [name for name in _NEEDED if name not in self.signatures]
        if missing:
            found = ", ".join(self.signatures) or "none"
            raise UserError(
                f"--saved_model={self.path} should have the signatures "
                f"{', '.join(_NEEDED)}, as sagan_tf.export writes them. "
                f"Received: {found}"
            )
        self.card = _read_card(self.path / CARD)
        _, inputs = self.signatures["generate"].structured_input_signature
        self.latent_dim = int(inputs["latents"].shape[-1])
        # An unconditional one does not take labels.
        self.num_classes = 0
        if "labels" in inputs:
            self.num_classes = int(self.card.get("num_classes", 1))

    def class_names(self) -> tuple[str, ...]:
        """Returns a name for each class."""
        names = self.card.get("class_names")
        return tuple(names or (f"class {n}" for n in range(self.num_classes)))

    def draw(self, latents: Any, labels: Any) -> np.ndarray:
        """Draws pictures: `(batch, height, width, 3)` float32 in [-1, 1].

        Args:
            latents: `(batch, latent_dim)`.
            labels: `(batch,)`; ignored by an unconditional generator.
        """
        inputs = {"latents": tf.convert_to_tensor(latents, tf.float32)}
        if self.num_classes:
            inputs["labels"] = tf.convert_to_tensor(labels, tf.int32)
        return self.signatures["generate"](**inputs)["images"].numpy()


def _load(path: pathlib.Path) -> Any:
    if not (path / "saved_model.pb").is_file():
        raise UserError(
            "--saved_model should be the directory of a SavedModel. "
            f"Received: {path}, which has no saved_model.pb"
        )
    try:
        return tf.saved_model.load(str(path))
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = (str(error).strip().splitlines() or ["unreadable"])[0]
        raise UserError(
            f"--saved_model={path} should be a whole SavedModel. "
            f"Received: {reason}"
        ) from error


def _read_card(path: pathlib.Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path} should be JSON. Received: {error}") from error
