"""`--workdir` and `--pretrained`: which run a command reads."""

from __future__ import annotations

from absl import flags

from sagan_tf import weights
from sagan_tf.cli import command
from sagan_tf.errors import UserError

# As in `command`: these flags count as the calling command's.
flags.disclaim_key_flags()


class _NameParser(flags.ArgumentParser):
    """Turns a name into what `runs.open_run` opens."""

    def parse(self, argument: str) -> str:
        return f"{weights.PREFIX}{argument}" if argument else ""


def define() -> tuple[flags.FlagHolder, flags.FlagHolder]:
    """Defines both flags, whose values `runs.open_run` takes."""
    return (
        command.define_path("workdir", "", "Directory of the run."),
        flags.DEFINE(
            _NameParser(),
            "pretrained",
            "",
            "Name of weights that come with the package, in place of a run.",
            flags.FLAGS,
            None,
        ),
    )


def only_one(*choices: flags.FlagHolder) -> flags.FlagHolder:
    """Returns the one flag that is given.

    Raises:
        UserError: if none is given, or more than one.
    """
    given = [flag for flag in choices if flag.value]
    if len(given) != 1:
        *first, last = (f"--{flag.name}" for flag in choices)
        names = " and ".join(f"--{flag.name}" for flag in given)
        raise UserError(
            f"give one of {', '.join(first)} and {last}. "
            f"Received: {names or 'none'}"
        )
    return given[0]
