"""An exported generator, read again."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from typing import Any, Mapping

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.exporting.signatures import Signatures
from sagan_tf.networks import StagedGenerator, bake

CARD = pathlib.Path("assets.extra") / "model_card.json"
_NEEDED = ("serving_default", "generate")


@dataclasses.dataclass(eq=False, repr=False)
class SignedGenerator:
    """Draws by the signatures of an export.

    Attributes:
        signatures: functions by name, called with tensors by name.
        card: the model card, empty if there is none.
        latent_dim: length of a latent.
        num_classes: number of classes; 0 for none.
    """

    signatures: Mapping[str, Any]
    card: dict[str, Any]
    latent_dim: int
    num_classes: int

    def class_names(self) -> tuple[str, ...]:
        """Returns a name for each class."""
        names = self.card.get("class_names")
        return tuple(names or (f"class {n}" for n in range(self.num_classes)))

    def draw(self, latents: Any, labels: Any) -> np.ndarray:
        """Draws images: `(batch, height, width, channels)` float32 in [-1, 1].

        Args:
            latents: `(batch, latent_dim)`.
            labels: `(batch,)`; ignored by an unconditional generator.
        """
        inputs = {"latents": tf.convert_to_tensor(latents, tf.float32)}
        if self.num_classes:
            inputs["labels"] = tf.convert_to_tensor(labels, tf.int32)
        return self.signatures["generate"](**inputs)["images"].numpy()


def sign(generator: StagedGenerator, card: dict[str, Any]) -> SignedGenerator:
    """Returns a generator with the signatures that `export` would write.

    Args:
        generator: a built generator that computes in float32.
        card: the model card, of which `class_names` are read.
    """
    functions = Signatures(bake(generator)).functions()
    return SignedGenerator(
        functions, card, generator.latent_dim, generator.num_classes
    )


class ExportedGenerator(SignedGenerator):
    """Draws with a SavedModel that `python -m sagan_tf.export` wrote.

    Args:
        path: the SavedModel's directory.

    Attributes:
        card: the model card, empty if there is none.
        signatures: functions by name, called with tensors by name.

    Raises:
        UserError: if it is no SavedModel of a generator.
    """

    def __init__(self, path: storage.PathLike):
        self.path = storage.at(path)
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
        self.card = read_card(self.path / CARD)
        self.latent_dim = self._find_latent_dim()
        self.num_classes = self._find_num_classes()

    def _inputs(self) -> dict[str, tf.TensorSpec]:
        return self.signatures["generate"].structured_input_signature[1]

    def _find_latent_dim(self) -> int:
        """Returns the length of a latent, from the signature itself."""
        inputs = self._inputs()
        outputs = self.signatures["generate"].structured_outputs
        latents, images = inputs.get("latents"), outputs.get("images")
        if (
            not set(inputs) <= {"latents", "labels"}
            or (latents is None or latents.shape.rank != 2)
            or (images is None or images.shape.rank != 4)
        ):
            raise UserError(
                f"--saved_model={self.path} should be a generator: latents "
                "(and labels) in, images out. Received: "
                f"{', '.join(sorted(inputs))} in, "
                f"{', '.join(sorted(outputs))} out"
            )
        return int(latents.shape[-1])

    def _find_num_classes(self) -> int:
        if "labels" not in self._inputs():
            # An unconditional one does not take them.
            return 0
        count = self.card.get("num_classes")
        if not isinstance(count, int) or count < 1:
            raise UserError(
                f"{self.path / CARD} should tell num_classes, as "
                f"sagan_tf.export writes it. Received: {count}"
            )
        return count


def _load(path: storage.AnyPath) -> Any:
    if not (path / "saved_model.pb").is_file():
        raise UserError(
            "--saved_model should be the directory of a SavedModel. "
            f"Received: {path}, {_what_it_is(path)}"
        )
    try:
        return tf.saved_model.load(str(path))
    except (
        *(KeyError, OSError, RuntimeError, ValueError),
        tf.errors.OpError,
    ) as error:
        reason = (str(error).strip().splitlines() or ["unreadable"])[0]
        raise UserError(
            f"--saved_model={path} should be a whole SavedModel. "
            f"Received: {reason}"
        ) from error


def _what_it_is(path: storage.AnyPath) -> str:
    if not path.is_dir():
        return "which is a file" if path.exists() else "which does not exist"
    inner = sorted(file.parent for file in path.glob("*/saved_model.pb"))
    hint = f"; did you mean {inner[-1]}?" if inner else ""
    return f"which has no saved_model.pb{hint}"


def read_card(path: storage.AnyPath) -> dict[str, Any]:
    """Reads what a card says of weights: nothing if there is none.

    Raises:
        UserError: if it does not hold names and values.
    """
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise UserError(f"{path} should be JSON. Received: {error}") from error
    if not isinstance(card, dict):
        raise UserError(
            f"{path} should hold names and values. Received: {card!r:.60}"
        )
    return card
