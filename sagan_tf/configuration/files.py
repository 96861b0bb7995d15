"""Reads configuration files, and says in one line what is wrong with one.

The flag of `ml_collections` reads them too, but raises exceptions of many
kinds, some of them only when the configuration is used: it comes second.
"""

import os
import re
import runpy
import traceback
from typing import Any, List, Optional, Sequence

import ml_collections
from absl import flags

from sagan_tf.errors import UserError, nearest_name, one_line

# What the flags of `ml_collections.config_flags` say that they hold.
_CONFIG_FLAG_TYPE = "config object"


def check_flags(argv: Sequence[str], flag_values: flags.FlagValues) -> None:
    """Refuses broken configuration files and overrides of unknown fields.

    Args:
        argv: the arguments of the command.
        flag_values: flags, of which those that `ml_collections` defined for
            configuration files are looked at.

    Raises:
        UserError: a file cannot be used, or a field does not exist.
    """
    for name in list(flag_values):
        if flag_values[name].flag_type() != _CONFIG_FLAG_TYPE:
            continue
        path = _value_of(name, argv)
        overrides = [
            match.group(1)
            for match in (
                re.match(rf"--?(?:no)?{name}\.([^=]*)", word) for word in argv
            )
            if match
        ]
        if path is None and overrides:
            raise UserError(f"--{name}.{overrides[0]} needs --{name}=FILE")
        if path is not None:
            config = load_config(path, f"--{name}={path}")
            for field in overrides:
                _check_override(name, field, config)


def _value_of(name: str, argv: Sequence[str]) -> Optional[str]:
    """Returns the last value that is given to the flag, or None."""
    value = None
    for word, following in zip(argv, [*argv[1:], None]):
        match = re.match(rf"(?s)--?{name}(?:=(.*))?$", word)
        if match:
            value = following if match.group(1) is None else match.group(1)
    return value


def load_config(path: str, given_as: str) -> ml_collections.ConfigDict:
    """Runs a configuration file.

    Args:
        path: a Python file with a `get_config()`; what follows a colon is
            its argument.
        given_as: what the user wrote, to start an error with.

    Returns:
        What `get_config()` returns.

    Raises:
        UserError: the file is missing, broken, or returns something else.
    """
    file, *arguments = path.split(":", 1)
    if not os.path.isfile(file):
        raise UserError(
            f"{given_as}: no such file, expected a Python file with a "
            "get_config(), such as configs/twins32.py" + _nearest_file(file)
        )
    try:
        config = runpy.run_path(file)["get_config"](*arguments)
    except Exception as error:
        reason = one_line(error)
        if isinstance(error, KeyError) and error.args == ("get_config",):
            reason = "the file does not define get_config()"
        raise UserError(f"{given_as}{_line_of(error, file)}: {reason}") from (
            error
        )
    if not isinstance(config, ml_collections.ConfigDict):
        kind = type(config).__name__
        raise UserError(
            f"{given_as}: get_config() should return a ConfigDict. "
            f"Received: {kind}"
        )
    return config


def _nearest_file(path: str) -> str:
    folder = os.path.dirname(path)
    try:
        names = [name for name in os.listdir(folder or ".") if ".py" in name]
    except OSError:
        return ""
    return nearest_name(path, [os.path.join(folder, name) for name in names])


def _line_of(error: BaseException, file: str) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f", line {lines[-1]}" if lines else ""


def _check_override(name: str, field: str, config: Any) -> None:
    node, parent = config, ""
    for part in field.split("."):
        if not isinstance(node, ml_collections.ConfigDict):
            raise UserError(f"--{name}.{field}: {parent[:-1]} has no fields")
        if part not in node:
            known = [parent + key for key in node] + _field_names(config)
            hint = nearest_name(field, known, f"--{name}.")
            raise UserError(f"unknown field --{name}.{field}{hint}")
        node, parent = node[part], f"{parent}{part}."
    if isinstance(node, ml_collections.ConfigDict):
        example = f"--{name}.{field}.{next(iter(node), 'FIELD')}"
        raise UserError(
            f"--{name}.{field} is a section, set its fields: {example}=VALUE"
        )


def _field_names(config: Any, prefix: str = "") -> List[str]:
    if not isinstance(config, ml_collections.ConfigDict):
        return [prefix[:-1]]
    return [
        name
        for key, value in config.items()
        for name in _field_names(value, f"{prefix}{key}.")
    ]
