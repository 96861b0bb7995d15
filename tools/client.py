"""Asks a running TensorFlow Serving for images, over REST.

    python -m tools.client --server=http://localhost:8501 --model=sagan \
        --labels=0,1 --num_images=8 --output=samples

The server holds what `python -m sagan_tf.export` wrote; see docs/serving.md.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command

# ruff: isort: split
import base64
import functools
import io
import json
import pathlib
import urllib.error
import urllib.parse
import urllib.request
from http.client import HTTPException
from typing import Any, Sequence

import numpy as np
from absl import flags
from PIL import Image

from sagan_tf.cli import drawing
from sagan_tf.errors import UserError, one_line
from sagan_tf.visualization import sheets

_SERVER = flags.DEFINE_string(
    "server", "http://localhost:8501", "Address of the REST interface."
)
_MODEL = flags.DEFINE_string("model", "sagan", "Name that the server gives it.")
_OUTPUT = command.define_path(
    "output",
    None,
    "PATH.png for a sheet; else a directory for single files.",
    local=True,
)
_NUM_IMAGES = flags.DEFINE_integer("num_images", 16, "Images.", 1)
_LABELS = flags.DEFINE_list("labels", None, "Classes in turn, such as 0,1.")
_SEED = flags.DEFINE_integer(
    "seed", 0, "Seed of the first image; the others count on."
)
_TRUNCATION = flags.DEFINE_float(
    "truncation", 0.0, "Size that no number of a latent exceeds; 0 for none."
)
_PER_REQUEST = flags.DEFINE_integer(
    "per_request", 16, "Images in one request.", 1
)
_TIMEOUT = flags.DEFINE_float(
    "timeout", 60.0, "Seconds to wait for an answer.", 0.1
)

_SIGNATURE = "png"
# The server knows how many classes there are, and refuses others.
_ANY_LABEL = 2**31


def main(argv: list[str]) -> None:
    """Asks, and writes what comes."""
    del argv
    output = pathlib.Path(_OUTPUT.value)
    if output.suffix.lower() != ".png" and output.exists():
        raise UserError(
            f"--output should be PATH.png or a new directory. "
            f"Received: {output}"
        )
    truncation = drawing.check_truncation(_TRUNCATION.value)
    seeds = drawing.count_seeds(_SEED.value, _NUM_IMAGES.value)
    server = Server(_SERVER.value, _MODEL.value, _TIMEOUT.value)
    count = _ANY_LABEL if server.is_conditional else 0
    if count and _LABELS.value is None:
        raise UserError("--labels is required: the model draws by class")
    labels = drawing.choose_labels(_LABELS.value, count)
    labels = np.resize(labels, len(seeds))
    files: list[bytes] = []
    for start in range(0, len(seeds), _PER_REQUEST.value):
        some = slice(start, start + _PER_REQUEST.value)
        files += server.draw(
            labels[some].tolist(), seeds[some].tolist(), truncation
        )
    _write(output, files)
    sys.stdout.write(f"{output}: {len(files)} images\n")


class Server:
    """The REST interface of TensorFlow Serving, for one model.

    Args:
        address: such as `http://localhost:8501`.
        model: the model's name there.
        timeout: seconds to wait for an answer.
    """

    def __init__(self, address: str, model: str, timeout: float = 60.0):
        if not _is_address(address):
            raise UserError(
                "--server should be such as http://localhost:8501, with a "
                f"port from 1 to 65535. Received: {address!r}"
            )
        self.address = f"{address.rstrip('/')}/v1/models/{model}"
        self.timeout = timeout

    @functools.cached_property
    def is_conditional(self) -> bool:
        """Whether the model takes labels.

        Raises:
            UserError: if there is no such model, or it gives no PNG files.
        """
        answer = self._ask("/metadata")
        try:
            signatures = answer["metadata"]["signature_def"]["signature_def"]
            return "labels" in signatures[_SIGNATURE]["inputs"]
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{self.address} should have the signature {_SIGNATURE}, "
                "as sagan_tf.export writes it. Received: none"
            ) from error

    def draw(
        self, labels: Sequence[int], seeds: Sequence[int], truncation: float
    ) -> list[bytes]:
        """Asks for images.

        Args:
            labels: one for each image; unused without classes.
            seeds: one for each image.
            truncation: size that no number of a latent exceeds; 0 for none.

        Returns:
            A PNG file for each image.

        Raises:
            UserError: if the server refuses, or does not answer as it should.
        """
        instances: list[dict[str, Any]] = [
            {"seed": seed, "truncation": float(truncation)} for seed in seeds
        ]
        if self.is_conditional:
            for instance, label in zip(instances, labels):
                instance["labels"] = label
        answer = self._ask(
            ":predict", {"signature_name": _SIGNATURE, "instances": instances}
        )
        try:
            return [_png(entry) for entry in answer["predictions"]]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise UserError(
                f"{self.address} should answer with predictions of the form "
                f'{{"b64": ...}}. Received: {json.dumps(answer)[:80]}'
            ) from error

    def _ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data, {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=self.timeout) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise UserError(
                f"{self.address} refuses ({error.code}): {_reason(error)}"
            ) from error
        except (OSError, ValueError, HTTPException) as error:
            reason = getattr(error, "reason", None) or one_line(error)
            raise UserError(
                f"--server={self.address} should answer. Received: {reason}"
            ) from error


def _is_address(address: str) -> bool:
    try:
        url = urllib.parse.urlsplit(address)
        # Reading a port out of range is an error.
        named = bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return named and url.scheme in ("http", "https")


def _png(entry: Any) -> bytes:
    # A model of one output gives its values bare.
    entry = entry.get("png_bytes", entry)
    return base64.b64decode(entry["b64"], validate=True)


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return one_line(ValueError(json.load(error)["error"]))
    except (ValueError, KeyError, TypeError):
        return str(error.reason)


def _write(output: pathlib.Path, files: Sequence[bytes]) -> None:
    if output.suffix.lower() == ".png":
        images = np.stack([_decode(file) for file in files])
        columns = int(np.ceil(len(images) ** 0.5))
        sheet = sheets.image_grid(images, columns, enlarge_to=64)
        sheets.write_png(str(output), sheet)
        return
    output.mkdir(parents=True)
    for index, file in enumerate(files):
        (output / f"{index:06d}.png").write_bytes(file)


def _decode(file: bytes) -> np.ndarray:
    try:
        pixels = np.asarray(Image.open(io.BytesIO(file)))
        return pixels.reshape(*pixels.shape[:2], -1)
    except OSError as error:
        raise UserError(f"the server should send PNG files: {error}") from error


if __name__ == "__main__":
    command.run(main, required_flags=("output",))
