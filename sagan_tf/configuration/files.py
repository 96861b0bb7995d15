"""Reads configurations, and says in one line what is wrong with one.

The flag of `ml_collections` raises exceptions of many kinds about the fields
that are set behind it: it comes second.
"""

from __future__ import annotations

import os
import pathlib
import re
import runpy
import traceback
from typing import Any, Sequence

import ml_collections
from absl import flags

from sagan_tf import storage
from sagan_tf.configuration import validation
from sagan_tf.errors import UserError, nearest_name, one_line

_PACKAGE = pathlib.Path(__file__).parents[1]


class ConfigFlagParser(flags.ArgumentParser):
    """Parses the value of a flag to a locked configuration."""

    def parse(self, argument: str) -> ml_collections.ConfigDict:
        """Returns the configuration of a name or a path."""
        return load_config(argument).lock()


def with_config_of_run(argv: Sequence[str]) -> list[str]:
    """Returns arguments with the configuration of the run in `--workdir`.

    Args:
        argv: the program's name and its arguments. They stay as they are if
            they name a configuration, or there is no run.
    """
    stored = os.path.join(_value_of("workdir", argv) or "", "config.json")
    if _value_of("config", argv) is not None or not _is_file(stored):
        return list(argv)
    return [argv[0], f"--config={stored}", *argv[1:]]


def _is_file(path: str) -> bool:
    return storage.is_known(path) and storage.at(path).is_file()


def check_flags(argv: Sequence[str], flag_values: flags.FlagValues) -> None:
    """Refuses broken configuration files and overrides of unknown fields.

    Args:
        argv: the arguments of the command.
        flag_values: its flags. Without `--config` there is nothing to check.

    Raises:
        UserError: a file cannot be used, or a field does not exist.
    """
    if "config" not in flag_values:
        return
    path = _value_of("config", argv)
    found = (re.match(r"--?(?:no)?config\.([^=]*)", word) for word in argv)
    overrides = [match.group(1) for match in found if match]
    if path is None and overrides:
        raise UserError(f"--config.{overrides[0]} needs --config=NAME")
    if path is not None:
        config = load_config(path, f"--config={path}")
        for field in overrides:
            _check_override(field, config)


def _value_of(name: str, argv: Sequence[str]) -> str | None:
    """Returns the last value that is given to the flag, or None."""
    value = None
    for word, following in zip(argv, [*argv[1:], None]):
        match = re.match(rf"(?s)--?{name}(?:=(.*))?$", word)
        if match:
            value = following if match.group(1) is None else match.group(1)
    return value


def load_config(
    name: str, given_as: str | None = None
) -> ml_collections.ConfigDict:
    """Returns a configuration.

    Args:
        name: the name of a configuration, such as `twins32`; the path of a
            Python file with a `get_config()`, where what follows a colon is its
            argument; or that of the `config.json` of a run. A word of letters,
            digits and underscores is a name.
        given_as: what the user wrote, to start an error with; the name without
            it.

    Returns:
        What `get_config()` returns.

    Raises:
        UserError: the file is missing, broken, or returns something else.
    """
    given_as = name if given_as is None else given_as
    if name.lower().endswith(".json") and _is_file(name):
        stored = validation.read_stored(storage.at(name), given_as)
        return validation.complete(stored)
    name, *arguments = name.split(":", 1)
    is_name = re.fullmatch(r"\w+", name)
    file = os.path.join(_directory(), f"{name}.py") if is_name else name
    if not os.path.isfile(file):
        raise UserError(
            f"{given_as}: no such {'configuration' if is_name else 'file'}, "
            f"expected {', '.join(names())}, or a Python file with a "
            f"get_config(){_nearest(name)}"
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


def names() -> list[str]:
    """Returns the names of the configurations that come with the package."""
    return sorted(path.stem for path in _directory().glob("[!_]*.py"))


def _directory() -> pathlib.Path:
    """Returns where they are: installed inside the package, else beside it."""
    inside = _PACKAGE / "configs"
    return inside if inside.is_dir() else _PACKAGE.with_name("configs")


def _nearest(name: str) -> str:
    folder, known = os.path.dirname(name), names()
    try:
        files = [file for file in os.listdir(folder or ".") if ".py" in file]
    except OSError:
        files = []
    near = [*known, *(os.path.join(folder, file) for file in files)]
    return nearest_name(name, near) or nearest_name(
        pathlib.Path(name).stem, known
    )


def _line_of(error: BaseException, file: str) -> str:
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f", line {lines[-1]}" if lines else ""


def _check_override(field: str, config: Any) -> None:
    node, parent = config, ""
    for part in field.split("."):
        if not isinstance(node, ml_collections.ConfigDict):
            raise UserError(f"--config.{field}: {parent[:-1]} has no fields")
        if part not in node:
            known = [parent + key for key in node] + _field_names(config)
            hint = nearest_name(field, known, "--config.")
            raise UserError(f"unknown field --config.{field}{hint}")
        node, parent = node[part], f"{parent}{part}."
    if isinstance(node, ml_collections.ConfigDict):
        example = f"--config.{field}.{next(iter(node), 'FIELD')}"
        raise UserError(
            f"--config.{field} is a section, set its fields: {example}=VALUE"
        )


def _field_names(config: Any, prefix: str = "") -> list[str]:
    if not isinstance(config, ml_collections.ConfigDict):
        return [prefix[:-1]]
    return [
        name
        for key, value in config.items()
        for name in _field_names(value, f"{prefix}{key}.")
    ]
