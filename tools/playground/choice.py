"""The generators that a visitor can choose from."""

from __future__ import annotations

import functools
from typing import Callable, Mapping

from sagan_tf import runs
from sagan_tf.exporting import sign
from tools.playground.nearest import NearestSearch
from tools.playground.playground_model import PlaygroundModel


class Choice:
    """Generators by title, each opened when it is first asked for."""

    def __init__(self, openers: Mapping[str, Callable[[], PlaygroundModel]]):
        self.titles = list(openers)
        self._openers = openers
        self.get = functools.cache(self._open)

    def _open(self, title: str) -> PlaygroundModel:
        model = self._openers[title]()
        model.warm_up()
        return model


def open_run(place: str, checkpoint: str = "latest") -> PlaygroundModel:
    """Opens the averaged generator of a run, and what finds images in it.

    Args:
        place: its workdir, or `pretrained:NAME`.
        checkpoint: `"latest"`, `"best"` or a step.

    Raises:
        UserError: if there is no such run or checkpoint.
    """
    run = runs.open_run(place, checkpoint)
    card = {
        **run.card(),
        "step": run.step,
        "image_size": run.config.dataset.image_size,
        "class_names": list(run.class_names()),
    }
    generator = run.load_generator()
    return PlaygroundModel(sign(generator, card), NearestSearch(run, generator))
