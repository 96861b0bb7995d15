"""The classification accuracy score: what generated images teach.

A classifier that has seen generated images only is tested on real ones
(Ravuri and Vinyals, arXiv:1905.10887), and one that has seen real images only
on generated ones (the GAN-test of Shmelkov et al., arXiv:1807.09499). The first
score falls with the variety of the generated images as well as with their
quality, the second with their quality alone. Both need the pixels and the
classes of both sets, and no feature network.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from sagan_tf import storage
from sagan_tf.data import ImageDataset
from sagan_tf.data.channels import to_floats
from sagan_tf.errors import UserError
from sagan_tf.evaluation.features import (
    classifier,
    own_classifier,
    small_network,
)
from sagan_tf.evaluation.features.own_classifier import Read
from sagan_tf.visualization.sheets import to_uint8

# Of 60,000 images it sees each six times.
_STEPS = 2700


class Accuracies(NamedTuple):
    """What classifiers know of images of the kind that they have not seen.

    Attributes:
        score: share of held-out real images that the classifier of generated
            images knows: 0 to 1, more is better.
        reverse: share of generated images that the classifier of real images
            knows: 0 to 1, more is better.
    """

    score: float
    reverse: float


@dataclasses.dataclass(frozen=True)
class ClassificationTest:
    """Real images that no classifier learns from.

    Attributes:
        images: which they are, in words for the card.
        read: gives them by their numbers.
        numbers: of all of them.
        num_classes: number of their classes.
        channels: of the images.
        model: the classifier of real images.
        real_accuracy: share of them that it knows: the score of real images.
    """

    images: str
    read: Read
    numbers: np.ndarray
    num_classes: int
    channels: int
    model: tf.keras.Model
    real_accuracy: float

    def __call__(self, images: np.ndarray, labels: np.ndarray) -> Accuracies:
        """Returns the accuracies of and on generated images.

        A classifier of them is trained, in a minute on two CPU cores.

        Args:
            images: `(images, 32 * 32 * channels)` bytes, from `as_rows`.
            labels: `(images,)`, the classes that were asked for.
        """
        size = small_network.INPUT_SIZE

        def read(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            chosen = images[numbers].reshape(-1, size, size, self.channels)
            return to_floats(chosen), labels[numbers]

        everything = np.arange(len(labels))
        name = "a classifier of generated images"
        model = own_classifier.learn(
            read,
            everything,
            name,
            self.num_classes,
            self.channels,
            steps=_STEPS,
        )
        return Accuracies(
            own_classifier.accuracy_of(model, self.read, self.numbers),
            own_classifier.accuracy_of(self.model, read, everything),
        )


def prepare(
    dataset: ImageDataset,
    split: str,
    trained_on: ImageDataset | None,
    count: int,
    cache_dir: str,
) -> ClassificationTest:
    """Returns a test, and trains the classifier of real images if need be.

    The network is that of `own_classifier`, trained three times as long, with
    as many channels as the images have. Its weights are kept.

    Args:
        dataset: the images that a run is scored against.
        split: the name of their split.
        trained_on: the images that the run was trained on, if they are others:
            then all of `dataset` are the test. If they are the same, it is a
            tenth, which the classifier does not see, but the generator did.
        count: how many of `dataset` there are; the first ones.
        cache_dir: directory that keeps the weights.

    Raises:
        UserError: if the images have no classes.
    """
    if not dataset.num_classes:
        raise UserError(
            "--cas should be given for a run with classes, which classifiers "
            "learn: these images have none"
        )
    if trained_on is None:
        numbers, held = own_classifier.hold_out(count)
        images = f"{len(held)} of {split}, which the generator was trained on"
    else:
        numbers, held = np.arange(trained_on.num_examples), np.arange(count)
        images = f"{count} of {split}"
    learned = trained_on or dataset
    read = functools.partial(_read, dataset)
    words = (
        *(learned.identity(), len(numbers), dataset.identity(), images),
        *(dataset.image_size, dataset.channels, dataset.num_classes),
        *(small_network.RECIPE, _STEPS),
    )
    digest = hashlib.sha256(" ".join(map(str, words)).encode())
    path = storage.at(cache_dir) / f"cas-{digest.hexdigest()[:8]}.npz"
    sizes = dataset.num_classes, dataset.channels
    if not path.is_file():
        name = "a classifier of real images"
        source = functools.partial(_read, learned)
        model = own_classifier.learn(
            source, numbers, name, *sizes, steps=_STEPS
        )
        accuracy = own_classifier.accuracy_of(model, read, held)
        classifier.store(path, model, accuracy)
    model, accuracy = classifier.restore(path, path.stem)
    return ClassificationTest(images, read, held, *sizes, model, accuracy)


def as_rows(images: np.ndarray) -> np.ndarray:
    """Returns images as classifiers see them, as rows of bytes.

    Args:
        images: `(batch, height, width, channels)` in [-1, 1].

    Returns:
        `(batch, 32 * 32 * channels)` uint8.
    """
    small = small_network.resized(images).numpy()
    return to_uint8(small).reshape(len(small), -1)


def _read(
    dataset: ImageDataset, numbers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    images, labels = dataset.images(numbers)
    return to_floats(images), labels
