"""What is declared of a field of the configuration, in one record."""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
from typing import Any, Callable

from sagan_tf.errors import nearest_name
from sagan_tf.storage import is_known

# `Field.since` where no run is older than the field, and where it is not given.
AS_OLD_AS_RUNS, _AS_DEFAULT = object(), object()


@dataclasses.dataclass(frozen=True)
class Check:
    """What a field accepts by itself.

    Attributes:
        accepts: tells whether a value of any type is acceptable.
        expected: the same in words, to follow "should be".
        names: the accepted names, if there is a fixed list.
        nearest: from a value to what might have been meant, in words.
    """

    accepts: Callable[[Any], bool]
    expected: str
    names: tuple[str, ...] = ()
    nearest: Callable[[Any], str] | None = None

    def hint(self, value: Any) -> str:
        """Returns what might have been meant by a value; empty if unknown."""
        if self.nearest is not None:
            return self.nearest(value)
        return nearest_name(str(value), self.names)


@dataclasses.dataclass(frozen=True)
class OnlyIf:
    """Where a field has a meaning; elsewhere it stays at its default.

    Attributes:
        field: dotted name of another field.
        accepts: whether the field has a meaning with that field's value.
    """

    field: str
    accepts: Callable[[Any], bool]


@dataclasses.dataclass(frozen=True)
class Field:
    """One field: all that is known of it stands here and nowhere else.

    Attributes:
        name: dotted name, such as `train.num_steps`.
        default: the value of the default configuration.
        check: what it accepts by itself.
        doc: what it means, with its unit; for the reference.
        since: what a run did that is older than the field, by default what
            its default says; `AS_OLD_AS_RUNS` if there is no such run.
        only_if: where the field has a meaning; None is everywhere.
        may_change: whether a run that goes on may have another value.
        type: what a configuration holds it as, if not as its default's type.
    """

    name: str
    default: Any
    check: Check
    doc: str
    since: Any = _AS_DEFAULT
    only_if: OnlyIf | None = None
    may_change: bool = False
    type: type | None = None

    def __post_init__(self) -> None:
        """Has a run that is older than the field do as its default says."""
        if self.since is _AS_DEFAULT:
            object.__setattr__(self, "since", self.default)

    @property
    def section(self) -> str:
        """Returns `train` for `train.num_steps`, and `""` for `seed`."""
        return self.name.rpartition(".")[0]


# A field that every run has had.
original = functools.partial(Field, since=AS_OLD_AS_RUNS)


def is_integer(value: Any) -> bool:
    """Returns whether a value is an integer and no boolean."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Returns whether a value is a finite number and no boolean."""
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def integer(minimum: int) -> Check:
    """Accepts integers from a minimum on."""
    return Check(
        lambda value: is_integer(value) and value >= minimum,
        f"an integer of {minimum} or more",
    )


def one_of(*names: str) -> Check:
    """Accepts some strings."""
    listed = ", ".join(f'"{name}"' for name in names)
    return Check(
        lambda value: isinstance(value, str) and value in names,
        listed if len(names) == 1 else f"one of {listed}",
        names,
    )


POSITIVE = Check(lambda v: is_number(v) and v > 0, "a number above 0")
NOT_NEGATIVE = Check(lambda v: is_number(v) and v >= 0, "a number from 0 on")
DECAY = Check(lambda v: is_number(v) and 0 <= v < 1, "a number in [0, 1)")
NUMBER = Check(is_number, "a number")
INTEGER = Check(is_integer, "an integer")
BOOLEAN = Check(lambda value: isinstance(value, bool), "True or False")
PATH = Check(
    lambda value: isinstance(value, str) and is_known(value),
    "a path, or an address that TensorFlow knows, such as gs://BUCKET/NAME",
)
TEXT = Check(lambda value: isinstance(value, str), "a string")
NAME = Check(
    lambda value: isinstance(value, str) and bool(value.strip()),
    "a string that is not empty",
)
