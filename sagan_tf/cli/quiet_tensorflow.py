"""Imports TensorFlow without what its C++ says while it is loaded.

Since 2.16 several lines come out before TensorFlow reads TF_CPP_MIN_LOG_LEVEL
(https://github.com/tensorflow/tensorflow/issues/79029), so that an error of
one line would be lost among them; and with every checkpoint it logs how long a
callback took, across the progress bar. An entry point imports this first.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import os
import re
import tempfile
from typing import Iterator

from absl import logging as absl_logging

_CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog\(\)|[IWE]0000 "
)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Drops from standard error what absl's C++ logs before its start.

    The file descriptor is caught, since C++ knows nothing of `sys.stderr`; all
    other lines follow at the end, whatever happens.
    """
    with tempfile.TemporaryFile() as caught:
        kept = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            caught.seek(0)
            for line in caught:
                if not _CHATTER.match(line):
                    os.write(2, line)


def _is_wanted(record: logging.LogRecord) -> bool:
    is_of_others = record.filename != "functional_saver.py"
    return is_of_others or record.levelno > logging.INFO


absl_logging.get_absl_logger().addFilter(_is_wanted)
with without_chatter():
    importlib.import_module("tensorflow")
