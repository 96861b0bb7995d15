"""What a study is: arms that differ in a few fields of one configuration."""

from __future__ import annotations

import dataclasses
from typing import Any, Mapping

SCORES = (
    *("coherence", "excess", "fid", "precision", "recall", "coverage"),
    *("class_variety", "accuracy", "cas"),
)


@dataclasses.dataclass(frozen=True)
class Arm:
    """One way to train, as a difference from the base.

    Attributes:
        name: a word for the table and the directory.
        says: what it is, in a line.
        fields: values by the dotted name of the field.
    """

    name: str
    says: str
    fields: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Study:
    """A question, and the runs that speak to it.

    Attributes:
        name: a word, the name of its directory.
        question: what it asks, in a sentence.
        arms: the ways to train.
        reference: name of the arm that the others are held against.
        columns: names of measures (`tools.ablation.measures`) in the table.
    """

    name: str
    question: str
    arms: tuple[Arm, ...]
    reference: str
    columns: tuple[str, ...] = (
        *(*SCORES, "gate_g", "gate_d", "distance_g", "distance_d"),
    )
