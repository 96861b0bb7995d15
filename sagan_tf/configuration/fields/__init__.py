"""Every field of a run: the one table that all else comes from.

The default configuration, what is refused, what an older run is completed
with, what may change when a run goes on, and docs/configuration.md.
"""

from __future__ import annotations

from sagan_tf.configuration.fields import (
    dataset,
    model,
    optimizing,
    running,
    training,
)
from sagan_tf.configuration.fields.field import AS_OLD_AS_RUNS, Field

__all__ = ["AS_OLD_AS_RUNS", "FIELDS", "SECTIONS", "Field"]

# By dotted name, in the order of the reference.
FIELDS: dict[str, Field] = {
    field.name: field
    for part in (optimizing, training, dataset, model, running)
    for field in part.FIELDS
}

SECTIONS = {
    "": "The run as a whole",
    "optimizer": "One for each network, at a rate of its own (TTUR)",
    "train": "How long and how to train",
    "dataset": "Where the real images come from",
    "model": "The generator and the discriminator",
    "log": "What the workdir records on the way; intervals count in steps",
    "checkpoint": "When to save all that training needs, in steps",
    "distribution": "Which devices take part; batches are global",
}
