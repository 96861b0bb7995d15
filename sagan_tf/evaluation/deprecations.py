"""Quiet around TF-GAN, which warns of its own old habits."""

from __future__ import annotations

import contextlib
import warnings
from typing import Iterator

import tensorflow as tf


@contextlib.contextmanager
def without_deprecations() -> Iterator[None]:
    """Keep the warnings of TF-GAN and of TF-Hub from the user."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
