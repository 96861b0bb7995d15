"""Refuses a configuration that cannot be run, before anything is built.

`RULES` knows every field: one that is missing or unknown is an error, and so
is a value out of its range. What single values cannot show, contradictions
between fields, is refused by the functions in `COMBINATIONS`.
"""

from typing import Any, Dict

import ml_collections

from sagan_tf.configuration import architecture, data
from sagan_tf.configuration.rules import ADDED, RULES
from sagan_tf.configuration.rules import field_error as _error
from sagan_tf.errors import UserError, nearest_name


def validate(config: ml_collections.ConfigDict) -> None:
    """Refuses a configuration with an unknown, bad or contradictory field.

    Args:
        config: the whole configuration, see `default.py` beside this file.

    Raises:
        UserError: a field is unknown, missing, of another type, out of its
            range, or contradicts another one; the message names the field.
    """
    fields = flatten(config)
    _check_names(fields)
    for name, rule in RULES.items():
        if not rule.accepts(fields[name]):
            hint = nearest_name(str(fields[name]), rule.names)
            raise _error(name, rule.expected, fields[name], hint)
    for check in COMBINATIONS:
        check(fields)


# What may change when a run goes on: none of it makes another model.
_MAY_CHANGE = (
    "train.num_steps",
    "train.steps_per_call",
    "train.gradient_accumulation",
    "train.jit_compile",
    "train.tensor_float_32",
    "dataset.path",
    "dataset.evaluation_",
    "dataset.download",
    "dataset.cache",
    "dataset.prefetch",
    "dataset.service",
    "dtype",
    "log.",
    "checkpoint.",
    "distribution.",
)


def check_same_model(
    config: ml_collections.ConfigDict, stored: Dict[str, Any], place: Any
) -> None:
    """Refuses to go on with a run that another configuration made.

    Args:
        config: the configuration asked for.
        stored: that of the run, as nested dictionaries.
        place: the run's directory, for the message.

    Raises:
        UserError: a field that shapes the model, the data or the updates
            differs; the message names each.
    """
    asked, given = flatten(config), flatten(complete(stored))
    half, before = "mixed_float16", given.get("dtype")
    if asked["dtype"] == half != before:
        raise UserError(
            f'config.dtype should not become "{half}" in a run that began '
            f"without: --workdir {place} keeps no loss scale. Received: a run "
            f"in {before!r}"
        )
    differing = [
        f"config.{name} is {given.get(name)!r} there and {asked.get(name)!r} "
        "here"
        for name in sorted({*asked, *given})
        if asked.get(name) != given.get(name)
        and not name.startswith(_MAY_CHANGE)
    ]
    if differing:
        raise UserError(
            f"--workdir {place} holds a run of another configuration: "
            f"{'; '.join(differing)}; choose another directory"
        )


def complete(stored: Dict[str, Any]) -> ml_collections.ConfigDict:
    """Returns a run's configuration with the fields that are newer than it.

    Args:
        stored: that of the run, as nested dictionaries.
    """
    config = ml_collections.ConfigDict(stored)
    for name, value in ADDED.items():
        section, _, field = name.rpartition(".")
        fields = config.get(section)
        if isinstance(fields, ml_collections.ConfigDict):
            fields[field] = fields.get(field, value)
    return config


def flatten(
    config: ml_collections.ConfigDict, prefix: str = ""
) -> Dict[str, Any]:
    """Returns the fields by their dotted names, such as `train.num_steps`."""
    fields = {}
    for name, value in config.items():
        if isinstance(value, ml_collections.ConfigDict) and len(value):
            fields.update(flatten(value, f"{prefix}{name}."))
        else:
            fields[prefix + name] = value
    return fields


def _check_names(fields: Dict[str, Any]) -> None:
    for name in fields:
        is_section = any(known.startswith(f"{name}.") for known in RULES)
        if name not in RULES and not is_section:
            hint = nearest_name(name, RULES)
            hint = hint or "; see sagan_tf/configuration/default.py"
            raise UserError(f"config.{name} is not a field{hint}")
    for name in RULES:
        if name not in fields:
            raise UserError(
                f"config.{name} is missing; start from sagan_tf."
                "configuration.default.get_config(), which has every field"
            )


def _check_intervals(fields: Dict[str, Any]) -> None:
    for name, unit in (
        ("train.batch_size", "train.gradient_accumulation"),
        ("train.num_steps", "train.steps_per_call"),
        ("log.every_steps", "train.steps_per_call"),
        ("log.sheet_every_steps", "train.steps_per_call"),
        ("checkpoint.every_steps", "train.steps_per_call"),
        ("checkpoint.keep_every", "checkpoint.every_steps"),
    ):
        value, step = fields[name], fields[unit]
        if value % step:
            nearest = max(step, step * round(value / step))
            expected = f"a multiple of config.{unit} ({step})"
            raise _error(name, expected, value, f"; the nearest is {nearest}")


def _check_average(fields: Dict[str, Any]) -> None:
    start, last = fields["train.ema_start_step"], fields["train.num_steps"]
    if start >= last:
        expected = f"below config.train.num_steps ({last})"
        raise _error("train.ema_start_step", expected, start)


# What the address means to a cluster that needs one.
_ADDRESSES = {
    "kubernetes": ("the label of the pods, such as app=sagan", (0, 1)),
    "gce": ("PROJECT/ZONE/INSTANCE_GROUP", (2,)),
}


def _check_cluster(fields: Dict[str, Any]) -> None:
    strategy, address = (
        fields[f"distribution.{name}"] for name in ("strategy", "address")
    )
    cluster = fields["distribution.cluster"]
    if strategy != "multi_worker" and cluster != "tf_config":
        expected = 'left at "tf_config" unless the strategy is "multi_worker"'
        raise _error("distribution.cluster", expected, cluster)
    if cluster in _ADDRESSES:
        expected, slashes = _ADDRESSES[cluster]
        if not address or address.count("/") not in slashes:
            raise _error("distribution.address", expected, address)
    elif address and strategy != "tpu":
        expected = f'empty with the strategy "{strategy}" over {cluster}'
        raise _error("distribution.address", expected, address)


COMBINATIONS = (
    *data.CHECKS,
    *architecture.CHECKS,
    _check_intervals,
    _check_average,
    _check_cluster,
)
