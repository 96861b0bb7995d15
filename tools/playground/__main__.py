"""Serves the playground: `python -m tools.playground --saved_model=DIR`."""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import os

from absl import flags

from sagan_tf import exporting
from sagan_tf.training import devices
from tools.playground import readiness
from tools.playground.model import PlaygroundModel

_SAVED_MODEL = command.define_path(
    "saved_model", None, "Directory that sagan_tf.export wrote."
)
_HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to listen at. Another one lets others in: nobody is asked for a "
    "password.",
)
_PORT = flags.DEFINE_integer("port", 7860, "Port to listen at.", 1, 65535)


def main(argv: list[str]) -> None:
    """Loads, warms up and serves."""
    del argv
    devices.prepare()
    readiness.check_port(_HOST.value, _PORT.value)
    generator = exporting.ExportedGenerator(_SAVED_MODEL.value)
    server = readiness.find_server()
    sys.stdout.write(f"Warming {_SAVED_MODEL.value} up\n")
    model = PlaygroundModel(generator)
    model.warm_up()
    path = os.path.normpath(os.path.abspath(_SAVED_MODEL.value))
    title = "/".join(path.split(os.sep)[-2:])
    server.serve(model, title, _HOST.value, _PORT.value)


if __name__ == "__main__":
    command.run(main, required_flags=("saved_model",))
