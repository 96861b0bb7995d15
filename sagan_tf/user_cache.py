"""Where the program keeps what it can make again."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path

from absl import logging

from sagan_tf.errors import require_local
from sagan_tf.whole_files import remove_abandoned

CACHE_VARIABLE = "SAGAN_TF_CACHE"


@functools.lru_cache(maxsize=None)
def _tidied(directory: str) -> str:
    """Removes what killed programs left there, once a process."""
    remove_abandoned(directory)
    return directory


def default_cache_dir() -> str:
    """Returns a directory of this user that can be written to.

    It is `$SAGAN_TF_CACHE` if that is set, else `sagan_tf` in the user's cache
    directory, or in that for temporary files if there is none.
    """
    if os.environ.get(CACHE_VARIABLE):
        require_local(os.environ[CACHE_VARIABLE], f"${CACHE_VARIABLE}")
        return _tidied(os.environ[CACHE_VARIABLE])
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    directory = Path(home) / "sagan_tf"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if os.access(directory, os.W_OK):
            return _tidied(str(directory))
    except OSError:
        pass
    aside = os.path.join(tempfile.gettempdir(), "sagan_tf")
    logging.warning("cannot write to %s: keeping to %s", directory, aside)
    return aside
