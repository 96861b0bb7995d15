"""A feature network that learns the classes of the user's own data."""

from __future__ import annotations

import hashlib
from typing import Iterator

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import classifier
from sagan_tf.evaluation.classifier import BATCH_SIZE, INPUT_SIZE, RECIPE, SEED
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.three_channels import to_rgb

_STEPS = 900
# One image of so many is held out to measure the accuracy.
_HELD_OUT = 10
_LEAST_ACCURACY = 0.6


def load(
    dataset: ImageDataset | None,
    cache_dir: str,
    strategy: tf.distribute.Strategy | None = None,
) -> FeatureNetwork:
    """Returns the classifier of labelled images, trained if need be.

    It is that of the embedded data, at 32 pixels: a tenth of the images is
    held out, and it serves if it knows the classes of 60 per cent of these.

    Args:
        dataset: the images.
        cache_dir: directory that keeps the weights.
        strategy: how devices share a batch; one device by default.

    Returns:
        A network named `own-` and the start of a digest of the data, with a
        `test_accuracy`.

    Raises:
        UserError: if there are no classes, or it does not serve.
    """
    num_classes = getattr(dataset, "num_classes", 0)
    if not num_classes:
        raise UserError(
            "--features=own should be given for a run with classes, which it "
            "learns: these images have none"
        )
    words = f"{dataset.identity()} {dataset.image_size} {dataset.num_examples}"
    digest = hashlib.sha256(f"{words} {num_classes} {RECIPE}".encode())
    name = f"own-{digest.hexdigest()[:8]}"
    path = storage.at(cache_dir) / f"{name}.npz"
    if not path.is_file():
        order = np.random.RandomState(SEED).permutation(dataset.num_examples)
        held = order[: max(1, len(order) // _HELD_OUT)]
        batches = _training_batches(dataset, order[len(held) :])
        model = classifier.train(batches, num_classes, _STEPS, name)
        accuracy = classifier.accuracy_of(model, _batches(dataset, held))
        classifier.check_accuracy(name, accuracy, _LEAST_ACCURACY)
        classifier.store(path, model, accuracy)
    return classifier.open_stored(
        path, name, num_classes, dataset.name, strategy
    )


def _training_batches(
    dataset: ImageDataset, numbers: np.ndarray
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    random = np.random.RandomState(SEED)
    for _ in range(_STEPS):
        yield _read(dataset, random.choice(numbers, BATCH_SIZE))


def _batches(
    dataset: ImageDataset, numbers: np.ndarray
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    for start in range(0, len(numbers), BATCH_SIZE):
        yield _read(dataset, numbers[start : start + BATCH_SIZE])


def _read(
    dataset: ImageDataset, numbers: np.ndarray
) -> tuple[tf.Tensor, tf.Tensor]:
    images, labels = dataset.images(numbers)
    images = to_rgb(images / np.float32(127.5) - 1, dataset.background)
    images = tf.image.resize(images, (INPUT_SIZE, INPUT_SIZE), antialias=True)
    return images, tf.constant(labels)
