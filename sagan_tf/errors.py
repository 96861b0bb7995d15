"""The error that a user's input causes, and helpers to word it."""

import difflib
import re
from typing import Iterable

LOCAL_PATH = "a path on this machine or a mounted disk, not an address"


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


def is_local(path: str) -> bool:
    """Returns whether a path is no address such as `gs://bucket/run`.

    Opened as a path, an address would be a local folder of an odd name.
    """
    return not re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", path)


def require_local(path: str, what: str) -> None:
    """Refuses an address where a path is expected.

    Args:
        path: what was given.
        what: the flag, field or argument.

    Raises:
        UserError: if it is no local path.
    """
    if not is_local(path):
        raise UserError(f"{what} should be {LOCAL_PATH}. Received: {path!r}")


def nearest_name(name: str, known: Iterable[str], prefix: str = "") -> str:
    """Returns "; did you mean X?", or nothing if no known name is near."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {prefix}{matches[0]}?" if matches else ""


def printable(text: str) -> str:
    """Returns a text that any stream takes, on one line.

    Names of files may be in no encoding, and hold line breaks.
    """
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode()
        for c in text
    )


def of_user(error: BaseException) -> bool:
    """Returns whether an error is a user's, or TensorFlow's about one.

    What a user's error ends in a pipeline, TensorFlow passes on as text.
    """
    return isinstance(error, UserError) or bool(_passed_on(error))


def out_of_memory(error: BaseException) -> str | None:
    """Returns what an error says of missing memory, None if it is of others.

    A GPU that another program has taken whole fails as it is opened, with an
    internal error; a tensor that finds no room ends in many lines.
    """
    if isinstance(error, MemoryError):
        return one_line(error) if str(error) else ""
    found = re.search(r"OOM when .*|.*out of memory.*", str(error))
    return printable(found.group()) if found and _is_op_error(error) else None


def _passed_on(error: BaseException) -> str:
    found = re.search(r"UserError: (.*)", str(error))
    return found.group(1) if found and _is_op_error(error) else ""


def _is_op_error(error: BaseException) -> bool:
    """Returns whether TensorFlow raised it; it need not be imported yet."""
    return "OpError" in {kind.__name__ for kind in type(error).__mro__}


def one_line(error: BaseException) -> str:
    """Returns an exception's message with its line breaks taken out."""
    text = _passed_on(error) or str(error).strip()
    if isinstance(error, (AttributeError, KeyError)):
        # These are quoted as if they were keys.
        text = text.strip("'\"").replace("\\n", "\n")
    # The fields of a whole configuration, which ml_collections lists.
    text = re.sub(r' Other fields present: ".*"', "", text)
    *lines, last = [line.strip() for line in text.splitlines()] or [""]
    joined = "".join(line.rstrip(".") + "; " for line in lines if line) + last
    return printable(joined) or type(error).__name__
