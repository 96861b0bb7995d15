"""TF-GAN, behind one door: nothing else of ours imports it.

It is imported when it is first needed, which takes seconds.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import types
import warnings
from typing import Any, Callable, Iterator

import numpy as np
import tensorflow as tf

# TF-GAN's own; its estimate needs two blocks for its error.
_KERNEL_BLOCK = 1024


@functools.cache
def load(module: str = "tensorflow_gan") -> types.ModuleType:
    """Returns a module of TF-GAN, on every TensorFlow that we support.

    Args:
        module: its full name, such as `"tensorflow_gan.examples.cifar.eval"`.
    """
    with quiet(), _estimators():
        return importlib.import_module(module)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the deprecations of TF-GAN and of TF-Hub from the user."""
    logger = tf.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


@contextlib.contextmanager
def _estimators() -> Iterator[None]:
    """Stands in for `tf.estimator`, where it is missing.

    TF-GAN 2.1.0 derives classes from these three as it is imported, and
    TensorFlow 2.16 has removed them (tensorflow/gan#55; the release that would
    mend it is asked for in tensorflow/gan#59). TF-GAN's own estimators stay
    without use there.
    """
    if hasattr(tf, "estimator"):
        yield
        return
    estimator = types.SimpleNamespace(
        Estimator=type("Estimator", (), {}),
        SessionRunHook=type("SessionRunHook", (), {}),
        tpu=types.SimpleNamespace(TPUEstimator=type("TPUEstimator", (), {})),
    )
    tf.estimator = tf.compat.v1.estimator = estimator
    try:
        yield
    finally:
        # Whoever asks whether TensorFlow has estimators hears the truth.
        del tf.estimator, tf.compat.v1.estimator


def inception_address() -> str:
    """Returns where TF-Hub has the network of TF-GAN's scores."""
    return load().eval.INCEPTION_TFHUB


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns the Frechet distance, the FID of Inception's features.

    Args:
        real: `(images, features)`, two or more.
        fake: the same of generated images.
    """
    distance = load().eval.frechet_classifier_distance_from_activations
    return float(_call(distance, real, fake))


def class_score(logits: np.ndarray) -> float:
    """Returns the Inception score of logits `(images, classes)`."""
    return float(_call(load().eval.classifier_score_from_logits, logits))


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Returns the kernel distance (KID), by the block estimate.

    Unbiased, with a cubic polynomial kernel (Binkowski et al.,
    arXiv:1801.01401): near 0 and up, less is better. It needs the features of
    both sets.

    Args:
        real: `(images, features)`, in mixed order.
        fake: the same of generated images, four or more of each.

    Raises:
        ValueError: if there are too few.
    """
    fewest = min(len(real), len(fake))
    if fewest < 4:
        raise ValueError(
            "a kernel distance needs four images of each kind or more. "
            f"Received: {fewest}"
        )
    half = -(-max(len(real), len(fake)) // 2)
    distance, _ = _call(
        load().eval.kernel_classifier_distance_and_std_from_activations,
        real,
        fake,
        max_block_size=min(_KERNEL_BLOCK, half),
    )
    return float(distance)


def _call(function: Callable, *arrays: np.ndarray, **options: int) -> Any:
    # A GPU takes longer for its roots, and need not have the memory.
    with quiet(), tf.device("CPU"):
        tensors = (tf.cast(tf.constant(array), tf.float64) for array in arrays)
        return function(*tensors, **options)
