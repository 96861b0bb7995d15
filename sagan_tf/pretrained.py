"""The networks that come with the package, trained.

    generator = pretrained.load_generator("twins32")
    images = generator([latents, labels], training=False)

Each name opens as a run does: `sagan_tf.runs.open_run("pretrained:twins32")`.
"""

from __future__ import annotations

from typing import Any

from sagan_tf import runs, weights
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.weights import names

__all__ = ["card", "load_discriminator", "load_generator", "names"]


def load_generator(name: str) -> Generator:
    """Returns a trained generator: the average of its training.

    Args:
        name: one of `names()`.

    Raises:
        UserError: if there are no such weights.
    """
    return _open(name).load_generator()


def load_discriminator(name: str) -> Discriminator:
    """Returns the discriminator that a generator was trained against.

    Args:
        name: one of `names()`.

    Raises:
        UserError: if there are no such weights.
    """
    return _open(name).load_discriminator()


def card(name: str) -> dict[str, Any]:
    """Returns what is known of the weights.

    Args:
        name: one of `names()`.

    Returns:
        `data` and `license` in words, `step`, `class_names`, `parameters` and
        `scores` by name, and the whole `config` of the run.

    Raises:
        UserError: if there are no such weights.
    """
    return _open(name).card()


def _open(name: str) -> runs.Run:
    return runs.open_run(f"{weights.PREFIX}{name}")
