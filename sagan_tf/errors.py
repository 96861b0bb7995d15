"""The error that a user's input causes, and helpers to word it."""

import difflib
import re
from typing import Iterable


class UserError(ValueError):
    """Something the user gave cannot be used.

    The message is one line that names what was given, what was expected and
    what was received. The commands print it and end with status 2, without a
    traceback.
    """

    exit_status = 2


class DivergedError(UserError):
    """A loss was not finite: training cannot go on.

    Commands end with status 3, so that a program that starts many runs can
    tell this from a mistake in a configuration.
    """

    exit_status = 3


def nearest_name(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Returns "; did you mean X?", or nothing if no known name is near."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {prefix}{matches[0]}?" if matches else ""


def one_line(error: BaseException) -> str:
    """Returns an exception's message with its line breaks taken out."""
    text = str(error).strip()
    if isinstance(error, (AttributeError, KeyError)):
        # These are quoted as if they were keys.
        text = text.strip("'\"").replace("\\n", "\n")
    # The fields of a whole configuration, which ml_collections lists.
    text = re.sub(r' Other fields present: ".*"', "", text)
    *lines, last = [line.strip() for line in text.splitlines()] or [""]
    joined = "".join(line.rstrip(".") + "; " for line in lines if line) + last
    return joined or type(error).__name__
