"""The entry of every command: flags in, one line per user error out.

A command defines its flags, `--config` among them if it takes one, and ends
with the call of its main:

    _CONFIG = command.define_config_flag()
    ...
    def cli():
        command.run(main, required_flags=("config", "workdir"))

    if __name__ == "__main__":
        cli()

where `cli` is what an installed command such as `sagan-train` calls.

Import this module before TensorFlow: it quietens TensorFlow's start.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import sys
import traceback
import types
from typing import Callable, Iterator, Sequence

from absl import app, flags
from ml_collections import config_flags

from sagan_tf import storage
from sagan_tf.configuration import files
from sagan_tf.configuration.fields import FIELDS
from sagan_tf.errors import (
    LOCAL_PATH,
    UserError,
    is_local,
    nearest_name,
    of_user,
    one_line,
    out_of_memory,
)
from sagan_tf.storage import is_known

# Level 2 still shows the errors that TensorFlow 2.15 logs at every start.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

USER_ERROR_STATUS = 2
INTERRUPTED_STATUS = 130
TRACEBACK_VARIABLE = "SAGAN_TF_TRACEBACK"

# A flag that is defined here counts as the calling command's in its help.
flags.disclaim_key_flags()


def run(
    main: Callable[[list[str]], int | None],
    required_flags: Sequence[str] = (),
    positional: str = "",
) -> None:
    """Parses the command line, calls `main` and exits.

    What the user can put right ends in one line on standard error and status
    2 (3 where training diverged), an interrupt in status 130; any other
    exception keeps its traceback. The environment variable
    SAGAN_TF_TRACEBACK=1 shows every traceback.

    Args:
        main: takes the list that holds the program's name alone; what it
            returns is the exit status, None being 0.
        required_flags: names of flags that have to be given.
        positional: name of a flag that may be given without its name.
    """
    # Names of files may be in no encoding, or in more than the locale's.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with one_line_errors(program_name()):
        _show_help_of(sys.modules[main.__module__])
        app.run(
            main,
            flags_parser=lambda argv: parse_flags(
                argv, required_flags, positional=positional
            ),
        )


def define_config_flag(
    help_text: str = "Configuration, by its name or the path of a file.",
    default: str | None = None,
    flag_values: flags.FlagValues = flags.FLAGS,
) -> flags.FlagHolder:
    """Defines `--config`, which reads the command line as it is defined."""
    with one_line_errors(program_name()):
        try:
            flag = config_flags.DEFINE_config_file(
                "config", None, help_text, flag_values
            )
            flag_values["config"].parser = files.ConfigFlagParser()
            flag_values.set_default("config", default)
            flags.declare_key_flag("config", flag_values)
            return flag
        except flags.Error as error:
            raise UserError(one_line(error)) from error


class _PathParser(flags.ArgumentParser):
    """Refuses addresses of unknown stores, or all of them."""

    def __init__(self, local: bool):
        self.local = local

    def parse(self, argument: str) -> str:
        if not (is_local(argument) if self.local else is_known(argument)):
            wanted = LOCAL_PATH if self.local else storage.expected()
            self.syntactic_help = wanted
            raise ValueError(wanted)
        return argument


def define_path(
    name: str, default: str | None, help_text: str, local: bool = False
) -> flags.FlagHolder:
    """Defines a flag that holds a path, or an address if not `local`."""
    parser, serializer = _PathParser(local), flags.ArgumentSerializer()
    return flags.DEFINE(
        parser, name, default, help_text, flags.FLAGS, serializer
    )


def _show_help_of(module: types.ModuleType) -> None:
    """Has --help show a module that an installed command has only imported."""
    sys.modules["__main__"].__doc__ = module.__doc__
    for flag in flags.FLAGS.get_key_flags_for_module(module):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)


def program_name() -> str:
    """Returns the name to report by: `sagan_tf.train` or `sagan-train`."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    if spec is not None:
        return re.sub(r"\.__main__$", "", spec.name)
    return os.path.basename(sys.argv[0])


@contextlib.contextmanager
def one_line_errors(program: str) -> Iterator[None]:
    """Turns what the user can put right into one line and an exit status.

    Args:
        program: the name that starts the line.

    Raises:
        SystemExit: with status 2, that of the error if it has its own or, on
            an interrupt, 130.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        line = describe(error)
        if line is None:
            raise
        if os.environ.get(TRACEBACK_VARIABLE, "0") not in ("", "0"):
            traceback.print_exc()
        sys.stderr.write(f"{program}: {_in_own_words(line)}\n")
        if isinstance(error, KeyboardInterrupt):
            sys.exit(INTERRUPTED_STATUS)
        sys.exit(getattr(error, "exit_status", USER_ERROR_STATUS))


def _in_own_words(
    line: str, flag_values: flags.FlagValues = flags.FLAGS
) -> str:
    """Names the arguments of a data set as the command that speaks does.

    What `sagan_tf.data` calls `on_small` is the flag --on_small of one command
    and the field config.dataset.on_small of another.
    """
    values = {name: flag_values[name].value for name in flag_values}
    is_run = values.get("workdir") or values.get("pretrained")
    has_fields = "config" in values or bool(is_run)

    def named(match: re.Match) -> str:
        word = match.group(1)
        if f"dataset.{word}" in FIELDS and word in values:
            return f"--{word}"
        if f"dataset.{word}" in FIELDS and has_fields:
            return f"config.dataset.{word}"
        return match.group()

    return re.sub(r"`(\w+)`", named, line)


def describe(error: BaseException) -> str | None:
    """Returns the line for an error that is not the program's, or None."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    if of_user(error):
        return "error: " + one_line(error)
    reason = out_of_memory(error)
    if reason is not None:
        detail = f" ({reason})" if reason else ""
        return (
            f"error: not enough memory{detail}: use smaller batches, or end "
            "what else takes it"
        )
    if isinstance(error, OSError):
        reason = error.strerror or one_line(error)
        if error.filename is not None:
            return f"error: {os.fsdecode(error.filename)}: {reason}"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"error: {reason}"
    return None


def parse_flags(
    argv: Sequence[str],
    required_flags: Sequence[str] = (),
    flag_values: flags.FlagValues = flags.FLAGS,
    positional: str = "",
) -> list[str]:
    """Parses the command line, and the configuration that it names.

    Args:
        argv: the program's name, then its arguments.
        required_flags: names of flags that have to be given.
        flag_values: the flags to set.
        positional: name of a flag that may be given without its name.

    Returns:
        The program's name in a list.

    Raises:
        UserError: a flag, or a field of the configuration, is unknown,
            malformed or missing.
        SystemExit: with status 0, after the help that was asked for.
    """
    try:
        arguments = flag_values.read_flags_from_files(list(argv), False)
        if "config" in required_flags:
            arguments = files.with_config_of_run(arguments)
        if not any(re.match(r"--?(help|\?)", word) for word in arguments):
            files.check_flags(arguments, flag_values)
        rest = flag_values(arguments)
        if positional and len(rest) == 2:
            flag_values[positional].parse(rest.pop())
    except flags.Error as error:
        raise UserError(_explain(error, flag_values)) from error
    except SystemExit:
        # absl gives status 1 to a help that was asked for and shown.
        sys.exit(0)
    if len(rest) > 1:
        raise UserError(f"unexpected argument {rest[1]!r}: flags are --name=x")
    for name in required_flags:
        if flag_values[name].value in (None, ""):
            purpose = flag_values[name].help.strip().rstrip(".")
            raise UserError(f"--{name} is required: {purpose}")
    return rest


def _explain(error: flags.Error, flag_values: flags.FlagValues) -> str:
    """Says what absl's exception says in words of flags and values."""
    if isinstance(error, flags.UnrecognizedFlagError):
        name = error.flagname
        return f"unknown flag --{name}" + nearest_name(name, flag_values, "--")
    match = re.match(r"(?s)flag --([^=]+)=(.*?): ", str(error))
    if not isinstance(error, flags.IllegalFlagValueError) or not match:
        return one_line(error)
    name, value = match.groups()
    parser = flag_values[name].parser
    expected = parser.syntactic_help or {
        "bool": "true or false",
        "int": "an integer",
        "float": "a number",
    }.get(parser.flag_type())
    if expected is None:
        return one_line(error)
    return f"--{name} should be {expected}. Received: {value!r}"
