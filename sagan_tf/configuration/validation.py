"""Refuses a configuration that cannot be run, and reads that of a run."""

from __future__ import annotations

import json
from typing import Any

import ml_collections

from sagan_tf import storage
from sagan_tf.configuration.combinations import CHECKS, field_error
from sagan_tf.configuration.fields import AS_OLD_AS_RUNS, FIELDS, Field
from sagan_tf.errors import UserError, nearest_name, one_line


def validate(config: ml_collections.ConfigDict) -> None:
    """Refuses a configuration with an unknown, bad or contradictory field.

    Args:
        config: the whole configuration; `FIELDS` tells what each field means.

    Raises:
        UserError: a field is unknown, missing, of another type, out of its
            range, or contradicts another one; the message names the field.
    """
    fields = flatten(config)
    _check_names(fields)
    for field in FIELDS.values():
        if not field.check.accepts(fields[field.name]):
            value = fields[field.name]
            hint = field.check.hint(value)
            raise field_error(field.name, field.check.expected, value, hint)
    for field in FIELDS.values():
        _check_meaning(field, fields)
    for check in CHECKS:
        check(fields)


def _check_names(fields: dict[str, Any]) -> None:
    for name in fields:
        is_section = any(known.startswith(f"{name}.") for known in FIELDS)
        if name not in FIELDS and not is_section:
            hint = nearest_name(name, FIELDS) or "; see docs/configuration.md"
            raise UserError(f"config.{name} is not a field{hint}")
    for name in FIELDS:
        if name not in fields:
            raise UserError(
                f"config.{name} is missing; start from sagan_tf."
                "configuration.default.get_config(), which has every field"
            )


def _check_meaning(field: Field, fields: dict[str, Any]) -> None:
    """Refuses a field that was set where it says nothing."""
    only, value = field.only_if, fields[field.name]
    if only is None or value == field.default:
        return
    if not only.accepts(fields[only.field]):
        expected = (
            f"left at its default ({field.default!r}) with "
            f"config.{only.field}={fields[only.field]}"
        )
        raise field_error(field.name, expected, value)


def check_same_model(
    config: ml_collections.ConfigDict, stored: dict[str, Any], place: Any
) -> dict[str, tuple[Any, Any]]:
    """Refuses to go on with a run that another configuration made.

    Args:
        config: the configuration asked for.
        stored: that of the run, as nested dictionaries.
        place: the run's directory, for the message.

    Returns:
        What has changed and may: the old value and the new one by field.

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
    changes = {
        name: (given.get(name), asked.get(name))
        for name in sorted({*asked, *given})
        if asked.get(name) != given.get(name)
    }
    differing = [
        f"config.{name} is {old!r} there and {new!r} here"
        for name, (old, new) in changes.items()
        if not (name in FIELDS and FIELDS[name].may_change)
    ]
    if differing:
        raise UserError(
            f"--workdir {place} holds a run of another configuration: "
            f"{'; '.join(differing)}; choose another directory"
        )
    return changes


def keep_older(
    config: ml_collections.ConfigDict, stored: dict[str, Any]
) -> None:
    """Sets fields that a run is older than, and nobody set, to what it did.

    Args:
        config: the configuration asked for; it is changed.
        stored: that of the run, as nested dictionaries.
    """
    known, asked = flatten(ml_collections.ConfigDict(stored)), flatten(config)
    older = {
        name: field.since
        for name, field in FIELDS.items()
        if name not in known
        and field.since is not AS_OLD_AS_RUNS
        and asked[name] == field.default
    }
    config.update_from_flattened_dict(older)


def read_stored(file: storage.AnyPath, given_as: str = "") -> dict[str, Any]:
    """Reads the configuration that a run has stored.

    Args:
        file: its `config.json`.
        given_as: what the user wrote to name the file, if it was named.

    Returns:
        Nested dictionaries; tuples come back as tuples.

    Raises:
        UserError: if there is none, or it cannot be read.
    """
    if not file.is_file():
        raise UserError(
            f"--workdir {file.parent} should hold a run: there is no "
            "config.json in it"
        )
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        expected = f"{file} should be JSON. Received"
        raise UserError(f"{given_as or expected}: {one_line(error)}") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{given_as or file} should be a JSON object. Received: "
            f"{type(content).__name__}"
        )
    return _with_tuples(content)


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_tuples(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_with_tuples(entry) for entry in value)
    return value


def complete(stored: dict[str, Any]) -> ml_collections.ConfigDict:
    """Returns a run's configuration with the fields that are newer than it.

    Args:
        stored: that of the run, as nested dictionaries.
    """
    config = ml_collections.ConfigDict(stored)
    for field in FIELDS.values():
        place = config.get(field.section) if field.section else config
        is_newer = field.since is not AS_OLD_AS_RUNS
        if is_newer and isinstance(place, ml_collections.ConfigDict):
            name = field.name.rpartition(".")[2]
            place[name] = place.get(name, field.since)
    return config


def flatten(
    config: ml_collections.ConfigDict, prefix: str = ""
) -> dict[str, Any]:
    """Returns the fields by their dotted names, such as `train.num_steps`."""
    fields = {}
    for name, value in config.items():
        if isinstance(value, ml_collections.ConfigDict) and len(value):
            fields.update(flatten(value, f"{prefix}{name}."))
        else:
            fields[prefix + name] = value
    return fields
