"""From a configuration to the parts of a run: the config ends here.

Every `config` is a validated one.
"""

from sagan_tf.configuration.builders.data import (
    build_dataset,
    build_framing,
    class_names,
    evaluation_split,
)
from sagan_tf.configuration.builders.networks import (
    build_discriminator,
    build_generator,
    resolve_dtype,
)
from sagan_tf.configuration.builders.scoring import (
    build_measures,
    build_scorer,
    build_self_evaluation,
    build_stop_after,
)
from sagan_tf.configuration.builders.training import (
    build_checkpoints,
    build_gan,
    build_loss,
    build_records,
    build_schedule,
    build_strategy,
)

__all__ = [
    "build_checkpoints",
    "build_dataset",
    "build_discriminator",
    "build_framing",
    "build_gan",
    "build_generator",
    "build_loss",
    "build_measures",
    "build_records",
    "build_schedule",
    "build_scorer",
    "build_self_evaluation",
    "build_stop_after",
    "build_strategy",
    "class_names",
    "evaluation_split",
    "resolve_dtype",
]
