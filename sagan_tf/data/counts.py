"""How many classes and pictures a run takes of those that there are."""

from __future__ import annotations

from typing import Sequence

from sagan_tf.errors import UserError


def resolve_classes(
    name: str, class_names: Sequence[str], num_classes: int | None
) -> tuple[str, ...]:
    """Return the names of the classes that a run will see.

    Args:
        name: name of the data set, for the error.
        class_names: the classes that the data set has.
        num_classes: the number asked for: `None` takes what there is, 0 none.

    Raises:
        UserError: if there are not as many classes as were asked for.
    """
    if num_classes == 0:
        return ()
    if num_classes is not None and num_classes != len(class_names):
        fitting = f"{len(class_names)} or 0" if class_names else "0"
        raise UserError(
            f"data set `{name}` has {len(class_names)} classes: `num_classes` "
            f"should be {fitting}. Received: {num_classes}."
        )
    return tuple(class_names)


def first_examples(name: str, available: int, num_examples: int | None) -> int:
    """Return how many examples to take: `num_examples`, by default all.

    Raises:
        UserError: if fewer are available, or if it is no positive number.
    """
    if num_examples is None:
        return available
    if not 1 <= num_examples <= available:
        raise UserError(
            f"data set `{name}` has {available} pictures: `num_examples` "
            f"should be in [1, {available}]. Received: {num_examples}."
        )
    return num_examples
