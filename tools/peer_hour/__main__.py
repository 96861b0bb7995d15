"""Draws how far ours and torch-mimicry's SAGAN come in the same hour.

    python -m tools.peer_hour --workdir=runs/fashion32 --peers=runs/mimicry \\
        --features=own-cf6cb9ae

reads the scores of a run's checkpoints (`sagan_tf.evaluate --checkpoint=all`),
scores the samples that `train_mimicry.py` has left, against the same images
and through the same network, prints both over minutes and draws them.
"""

from __future__ import annotations

import pathlib
import sys

from sagan_tf.cli import command

# ruff: isort: split
from absl import flags

from sagan_tf.training.workdir import Workdir
from tools.peer_hour import courses

_WORKDIR = command.define_path(
    "workdir", None, "Directory of our run.", local=True
)
_PEERS = flags.DEFINE_list(
    "peers", "", "Directories that train_mimicry.py has written."
)
_FEATURES = flags.DEFINE_string(
    "features", None, "Network to look through, such as own-1a2b3c4d."
)
_OUTPUT = command.define_path(
    "output", "peer_hour.png", "PATH.png of the curves.", local=True
)


def main(argv: list[str]) -> None:
    """Scores, prints and draws."""
    del argv
    features = _FEATURES.value
    found = {"ours": courses.of_run(Workdir(_WORKDIR.value), features)}
    for peer in map(pathlib.Path, _PEERS.value):
        found[peer.name] = courses.of_peer(peer, features)
    sys.stdout.write(courses.table(found) + "\n")
    courses.draw(pathlib.Path(_OUTPUT.value), found)


if __name__ == "__main__":
    command.run(main, required_flags=("workdir", "features"))
