"""Optimizers by name: Keras's, and TensorFlow Addons' where they are."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import Any

import tensorflow as tf

from sagan_tf.errors import nearest_name

_AROUND = re.compile(r"Lookahead\((\w+)\)")
# Of Keras's two Nadam, this one takes no schedule.
_WITHOUT_SCHEDULE = {"Nadam"}
# It raises an error in its first step.
_BROKEN = {"ConditionalGradient"}
# What we give; a class that cannot do without more is not for us.
_GIVEN = {"self", "name", "learning_rate", "weight_decay", "kwargs"}


def create(name: str, learning_rate: Any, **options: float) -> Any:
    """Creates an optimizer.

    Args:
        name: such as `"Adam"` or `"Lion"`, a class of Keras or, on
            TensorFlow 2.15, of TensorFlow Addons; or `"Lookahead(Adam)"`,
            of Addons around another one.
        learning_rate: a number or a schedule.
        **options: some of `options_of(name)`.

    Raises:
        ValueError: if there is no such optimizer here.
    """
    around = _AROUND.fullmatch(name)
    if around and "Lookahead" in _addons():
        inner = create(around[1], learning_rate, **options)
        return _addons()["Lookahead"](inner)
    parameters = _parameters(_find(name))
    return _find(name)(
        learning_rate=learning_rate,
        **{parameters[option]: value for option, value in options.items()},
    )


def options_of(name: str) -> set[str]:
    """Returns what an optimizer takes besides its rate, in one spelling.

    Args:
        name: as `create` takes it.

    Raises:
        ValueError: if there is no such optimizer here.
    """
    around = _AROUND.fullmatch(name)
    if around and "Lookahead" in _addons():
        name = around[1]
    return {*_parameters(_find(name))}


def _parameters(found: type) -> dict[str, str]:
    """Returns the names of a constructor's parameters by our names."""
    names = inspect.signature(found).parameters
    return {name.replace("_rate", ""): name for name in names if name != "name"}


def names() -> dict[str, type]:
    """Returns the optimizers that can be had here, by name."""
    found = {**_addons(), **_keras()}
    return {name: each for name, each in found.items() if _is_ours(each)}


def _find(name: str) -> type:
    if name in _keras():
        return _keras()[name]
    known = names()
    if name not in known:
        raise ValueError(
            f"one of {', '.join(sorted(known))}"
            f"{', or Lookahead(NAME)' if _addons() else ''}. "
            f"Received: {name!r}{nearest_name(name, known)}"
        )
    return known[name]


def _is_ours(found: type) -> bool:
    if found.__name__ in _BROKEN:
        return False
    parameters = inspect.signature(found).parameters
    required = {
        name
        for name, each in parameters.items()
        if each.default is inspect.Parameter.empty
    }
    return "learning_rate" in parameters and required <= _GIVEN


def _keras() -> dict[str, type]:
    keras = tf.keras.optimizers
    # The older ones run one fused kernel for a variable in the place of some
    # ten operations.
    fused = _classes(keras.legacy, keras.legacy.Optimizer)
    return {
        **_classes(keras, keras.Optimizer),
        **{n: c for n, c in fused.items() if n not in _WITHOUT_SCHEDULE},
    }


def _addons() -> dict[str, type]:
    # It ended with this release.
    if not tf.__version__.startswith("2.15."):
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow_addons
    legacy = tf.keras.optimizers.legacy.Optimizer
    return _classes(tensorflow_addons.optimizers, legacy)


def _classes(module: Any, base: type) -> dict[str, type]:
    return {
        name: each
        for name, each in vars(module).items()
        if inspect.isclass(each) and issubclass(each, base) and each is not base
    }
