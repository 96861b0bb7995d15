"""A feature network that learns the classes of the user's own data."""

from __future__ import annotations

import hashlib
from typing import Callable

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.data import ImageDataset
from sagan_tf.data.channels import to_floats, to_rgb
from sagan_tf.errors import UserError
from sagan_tf.evaluation.features import classifier, small_network
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.features.small_network import BATCH_SIZE, RECIPE, SEED

_STEPS = 900
# One image of so many is held out to measure the accuracy.
_HELD_OUT = 10
_LEAST_ACCURACY = 0.6

# From numbers to images `(batch, height, width, channels)` in [-1, 1], labels.
Read = Callable[[np.ndarray], "tuple[np.ndarray, np.ndarray]"]


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

    def read(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        images, labels = dataset.images(numbers)
        return to_rgb(to_floats(images), dataset.background), labels

    if not path.is_file():
        rest, held = hold_out(dataset.num_examples)
        model = learn(read, rest, name, num_classes, steps=_STEPS)
        accuracy = accuracy_of(model, read, held)
        classifier.check_accuracy(
            name,
            accuracy,
            _LEAST_ACCURACY,
            f" of {len(held)}; more images help, and --features=twins looks at "
            "images of any kind",
        )
        classifier.store(path, model, accuracy)
    return classifier.open_stored(path, name, strategy)


def load_kept(
    name: str, cache_dir: str, strategy: tf.distribute.Strategy | None = None
) -> FeatureNetwork:
    """Returns a classifier that `load` has trained, for scores of other runs.

    So that runs on parts of one data set are looked at through one network.

    Raises:
        UserError: if it is not there, or the file is broken.
    """
    path = storage.at(cache_dir) / f"{name}.npz"
    if not path.is_file():
        kept = sorted(file.stem for file in path.parent.glob("own-*.npz"))
        raise UserError(
            f"--features should be the name of a classifier in {cache_dir}: "
            f"{', '.join(kept) or 'none is there'}. Received: {name}"
        )
    return classifier.open_stored(path, name, strategy)


def hold_out(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns the numbers to learn from, and a tenth that is held out."""
    order = np.random.RandomState(SEED).permutation(count)
    held, rest = np.split(order, [max(1, count // _HELD_OUT)])
    return rest, held


def learn(
    read: Read,
    numbers: np.ndarray,
    name: str,
    num_classes: int,
    channels: int = 3,
    *,
    steps: int,
) -> tf.keras.Model:
    """Returns the network, trained on so many batches of these images."""
    random = np.random.RandomState(SEED)
    batches = (
        _small(*read(random.choice(numbers, BATCH_SIZE))) for _ in range(steps)
    )
    return small_network.train(batches, num_classes, steps, name, channels)


def accuracy_of(
    model: tf.keras.Model, read: Read, numbers: np.ndarray
) -> float:
    """Returns the share of images whose class the network knows."""
    starts = range(0, len(numbers), BATCH_SIZE)
    batches = (
        _small(*read(numbers[start : start + BATCH_SIZE])) for start in starts
    )
    return small_network.accuracy_of(model, batches)


def _small(
    images: np.ndarray, labels: np.ndarray
) -> tuple[tf.Tensor, tf.Tensor]:
    return small_network.resized(images), tf.constant(labels)
