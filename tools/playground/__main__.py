"""Serves the playground: `python -m tools.playground [--pretrained=NAME]`.

Without a generator it has all those that come with the package.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import functools
import os

from absl import flags

from sagan_tf import exporting, weights
from sagan_tf.cli import run_flags
from sagan_tf.errors import UserError
from sagan_tf.training import devices
from tools.playground import readiness
from tools.playground.choice import Choice, open_run
from tools.playground.playground_model import PlaygroundModel

_WORKDIR, _PRETRAINED = run_flags.define()
_SAVED_MODEL = command.define_path(
    "saved_model", "", "Directory that sagan_tf.export wrote."
)
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_HOST = flags.DEFINE_string(
    "host",
    "127.0.0.1",
    "Address to listen at. Another one lets others in: nobody is asked for a "
    "password.",
)
_PORT = flags.DEFINE_integer("port", 7860, "Port to listen at.", 1, 65535)

_GENERATORS = (_WORKDIR, _PRETRAINED, _SAVED_MODEL)


def main(argv: list[str]) -> None:
    """Opens what was asked for, and serves."""
    del argv
    devices.prepare()
    readiness.check_port(_HOST.value, _PORT.value)
    if any(flag.value for flag in _GENERATORS):
        choice = _open_one()
    else:
        choice = _offer_all()
    server = readiness.find_server()
    if len(choice.titles) == 1:
        # What is wrong with the only one is said here rather than on the page.
        sys.stdout.write(f"Warming {choice.titles[0]} up\n")
        choice.get(choice.titles[0])
    server.serve(choice, _HOST.value, _PORT.value)


def _open_one() -> Choice:
    chosen = run_flags.only_one(*_GENERATORS)
    if chosen is _SAVED_MODEL:
        model = PlaygroundModel(exporting.ExportedGenerator(chosen.value))
    else:
        model = open_run(chosen.value, _CHECKPOINT.value)
    title = chosen.value.removeprefix(weights.PREFIX)
    if chosen is not _PRETRAINED:
        # `models/1`.
        title = "/".join(os.path.abspath(title).split(os.sep)[-2:])
    return Choice({title: lambda: model})


def _offer_all() -> Choice:
    names = weights.names()
    if not names:
        raise UserError(
            "give --workdir=DIR or --saved_model=DIR: no weights come with "
            "the package"
        )
    return Choice(
        {
            name: functools.partial(open_run, f"{weights.PREFIX}{name}")
            for name in names
        }
    )


if __name__ == "__main__":
    command.run(main)
