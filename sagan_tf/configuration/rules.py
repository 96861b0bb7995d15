"""What each field of a configuration accepts by itself.

The meaning of the fields stands in `default.py` beside this file.
"""

import dataclasses
import math
import numbers
import re
from typing import Any, Callable, Dict, Tuple

from sagan_tf.errors import UserError


def field_error(
    name: str, expected: str, value: Any, hint: str = ""
) -> UserError:
    """Returns the error that a field's value causes.

    Args:
        name: the field's dotted name.
        expected: to follow "should be".
        value: what was received.
        hint: what to add.
    """
    # A section in a field's place would show itself on several lines.
    received = " ".join(repr(value).split())
    return UserError(
        f"config.{name} should be {expected}. Received: {received}{hint}"
    )


@dataclasses.dataclass(frozen=True)
class Rule:
    """What one field accepts.

    Args:
        accepts: tells whether a value of any type is acceptable.
        expected: the same in words, to follow "should be".
        names: the accepted names, if there is a fixed list.
    """

    accepts: Callable[[Any], bool]
    expected: str
    names: Tuple[str, ...] = ()


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _integer(minimum: int) -> Rule:
    return Rule(
        lambda value: _is_integer(value) and value >= minimum,
        f"an integer of {minimum} or more",
    )


def _one_of(*names: str) -> Rule:
    listed = ", ".join(f'"{name}"' for name in names)
    return Rule(
        lambda value: isinstance(value, str) and value in names,
        listed if len(names) == 1 else f"one of {listed}",
        names,
    )


_POSITIVE = Rule(
    lambda value: _is_number(value) and value > 0, "a number above 0"
)
_DECAY = Rule(
    lambda value: _is_number(value) and 0 <= value < 1, "a number in [0, 1)"
)
_NUMBER = Rule(_is_number, "a number")
_BOOLEAN = Rule(lambda value: isinstance(value, bool), "True or False")
_TEXT = Rule(lambda value: isinstance(value, str), "a string")
_NAME = Rule(
    lambda value: isinstance(value, str) and bool(value.strip()),
    "a string that is not empty",
)
_DATASETS = ("twins", "digits", "folder", "shards", "improved_gan", "hdf5")
_DATASET = Rule(
    lambda value: (
        isinstance(value, str)
        and (value in _DATASETS or re.fullmatch(r"tfds:\S+", value) is not None)
    ),
    f"one of {', '.join(_DATASETS)} or tfds:NAME",
    (*_DATASETS, "tfds:"),
)
_SEED = Rule(
    lambda value: _is_integer(value) and 0 <= value < 2**31,
    "an integer from 0 to 2147483647",
)
IMAGE_SIZES = (32, 64, 128, 256)
_IMAGE_SIZE = Rule(
    lambda value: _is_integer(value) and value in IMAGE_SIZES,
    "32, 64, 128 or 256",
)
_NUM_CLASSES = Rule(
    lambda value: _is_integer(value) and value >= 0 and value != 1,
    "0 (no classes) or an integer of 2 or more",
)
_RESOLUTIONS = Rule(
    lambda value: (
        isinstance(value, tuple)
        and all(_is_integer(entry) for entry in value)
        and len(set(value)) == len(value)
    ),
    "a tuple of different integers, such as (16,) or ()",
)

RULES: Dict[str, Rule] = {
    "seed": _SEED,
    "dtype": _one_of("float32", "mixed_bfloat16", "mixed_float16", "auto"),
    "dataset.name": _DATASET,
    "dataset.path": _TEXT,
    "dataset.split": _NAME,
    "dataset.evaluation_split": _TEXT,
    "dataset.evaluation_path": _TEXT,
    "dataset.download": _BOOLEAN,
    "dataset.image_size": _IMAGE_SIZE,
    "dataset.num_classes": _NUM_CLASSES,
    "dataset.num_examples": _integer(0),
    "dataset.label_key": _TEXT,
    "dataset.label_offset": Rule(_is_integer, "an integer"),
    "dataset.crop": _integer(0),
    "dataset.resize": _one_of("lanczos", "bicubic", "bilinear", "box"),
    "dataset.on_small": _one_of("refuse", "enlarge"),
    "dataset.on_unreadable": _one_of("refuse", "skip"),
    "model.architecture": _one_of("resnet", "dcgan"),
    "dataset.cache": _TEXT,
    "dataset.flip": _BOOLEAN,
    "dataset.prefetch": _integer(1),
    "dataset.shuffle_window": _integer(0),
    "dataset.interleave": _integer(1),
    "dataset.service": _TEXT,
    "model.base_channels": _integer(1),
    "model.discriminator_base_channels": _integer(0),
    "model.latent_dim": _integer(1),
    "model.attention_resolutions": _RESOLUTIONS,
    "model.discriminator_attention_resolutions": _RESOLUTIONS,
    "model.attention_key_divisor": _integer(1),
    "model.attention_value_divisor": _integer(1),
    "model.attention_pooling": _BOOLEAN,
    "model.batch_norm_momentum": _DECAY,
    "model.output_batch_norm_momentum": _DECAY,
    "model.batch_norm_epsilon": _POSITIVE,
    "model.synchronized_batch_norm": _BOOLEAN,
    "model.attention_gate_initial_value": _NUMBER,
    "model.attention_replacement": _one_of("attention", "residual"),
    "model.spectral_normalization": _one_of("release", "tfgan", "none"),
    "model.generator_spectral_normalization": _one_of(
        "same", "release", "tfgan", "none"
    ),
    "model.normalized_class_tables": _BOOLEAN,
    "model.rectified_shortcuts": _BOOLEAN,
    "model.fold_resampling": _BOOLEAN,
    "loss": _one_of("hinge", "wasserstein"),
    "optimizer.generator_learning_rate": _POSITIVE,
    "optimizer.discriminator_learning_rate": _POSITIVE,
    "optimizer.beta_1": _DECAY,
    "optimizer.beta_2": _DECAY,
    "optimizer.epsilon": _POSITIVE,
    "train.batch_size": _integer(1),
    "train.num_steps": _integer(1),
    "train.discriminator_steps": _integer(1),
    "train.gradient_penalty_weight": _POSITIVE,
    "train.ema_decay": _DECAY,
    "train.ema_start_step": _integer(0),
    "train.separate_discriminator_passes": _BOOLEAN,
    "train.gradient_accumulation": _integer(1),
    "train.steps_per_call": _integer(1),
    "train.jit_compile": _BOOLEAN,
    "train.tensor_float_32": _BOOLEAN,
    "log.every_steps": _integer(1),
    "log.sheet_every_steps": _integer(1),
    "log.sheet_columns": _integer(1),
    "log.sheet_rows": _integer(1),
    "checkpoint.every_steps": _integer(1),
    "checkpoint.keep": _integer(1),
    "checkpoint.keep_every": _integer(0),
    "distribution.strategy": _one_of(
        "auto", "one_device", "mirrored", "multi_worker", "tpu"
    ),
    "distribution.cluster": _one_of("tf_config", "slurm", "kubernetes", "gce"),
    "distribution.address": _TEXT,
    "distribution.memory_growth": _BOOLEAN,
}

# Fields that were added later: what a run did that was made without them.
ADDED = {
    "dataset.cache": "",
    "dataset.crop": 0,
    "dataset.download": False,
    "dataset.evaluation_path": "",
    "dataset.evaluation_split": "",
    "dataset.flip": False,
    "dataset.interleave": 16,
    "dataset.label_key": "",
    "dataset.label_offset": 0,
    "dataset.on_small": "refuse",
    "dataset.prefetch": 8,
    "dataset.resize": "lanczos",
    "dataset.service": "",
    "dataset.shuffle_window": 0,
    "dataset.split": "train",
    "model.architecture": "resnet",
    "model.attention_gate_initial_value": 0.0,
    "model.attention_replacement": "attention",
    "model.generator_spectral_normalization": "same",
    "model.normalized_class_tables": False,
    "model.rectified_shortcuts": False,
    "model.synchronized_batch_norm": True,
    "train.gradient_accumulation": 1,
    "train.gradient_penalty_weight": 10.0,
    "train.tensor_float_32": True,
    "distribution.cluster": "tf_config",
    "distribution.address": "",
    "distribution.memory_growth": True,
}
