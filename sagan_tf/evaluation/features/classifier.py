"""The feature network of the embedded data, trained by the program itself.

Inception knows photographs; to it, twins and digits are all alike. A small
network learns the classes of these data.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np
import tensorflow as tf
from absl import logging

from sagan_tf import storage
from sagan_tf.data import ImageDataset, open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation.features import small_network
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.features.small_network import (
    BATCH_SIZE,
    INPUT_SIZE,
    RECIPE,
    SEED,
)
from sagan_tf.storage import AnyPath
from sagan_tf.whole_files import first

_STEPS = {"twins": 900, "digits": 500}
_LEAST_ACCURACY = 0.95


def has_classifier(dataset_name: str) -> bool:
    """Returns whether the program can train a classifier for a data set."""
    return dataset_name in _STEPS


def load_classifier(
    dataset_name: str,
    cache_dir: str,
    strategy: tf.distribute.Strategy | None = None,
) -> FeatureNetwork:
    """Returns the classifier of an embedded data set, trained if need be.

    Training takes under a minute on two CPU cores. The weights and the
    accuracy on test images are kept, so that every run of this user is
    scored by the same network.

    Args:
        dataset_name: `"twins"` or `"digits"`.
        cache_dir: directory that keeps the weights.
        strategy: how devices share a batch; one device by default.

    Returns:
        A network named `twins-classifier` or `digits-classifier`, with a
        `test_accuracy`.

    Raises:
        UserError: if there is no recipe for the data, or the trained network
            is not good enough to score with.
    """
    if not has_classifier(dataset_name):
        raise UserError(
            "a classifier can be trained for "
            f"{' and '.join(_STEPS)}. Received: {dataset_name!r}"
        )
    name = f"{dataset_name}-classifier"
    path = storage.at(cache_dir) / f"{name}-{RECIPE}.npz"

    def opened(split: str) -> ImageDataset:
        return open_dataset(dataset_name, image_size=INPUT_SIZE, split=split)

    if not path.is_file():
        data, steps = opened("train"), _STEPS[dataset_name]
        batches = data.training_batches(BATCH_SIZE, seed=SEED).take(steps)
        model = small_network.train(batches, data.num_classes, steps, name)
        accuracy = small_network.accuracy_of(
            model, opened("test").ordered_batches(500)
        )
        check_accuracy(name, accuracy, _LEAST_ACCURACY)
        store(path, model, accuracy)
    return open_stored(path, name, strategy)


def check_accuracy(
    name: str, accuracy: float, least: float, advice: str = ""
) -> None:
    """Refuses a network that is not good enough to score with."""
    logging.info("%s: test accuracy %.4f", name, accuracy)
    if accuracy < least:
        raise UserError(
            f"{name} should recognise {least:.0%} of the test images. "
            f"Received: {accuracy:.1%}{advice}"
        )


def store(path: AnyPath, model: tf.keras.Model, accuracy: float) -> None:
    """Writes the weights, unless another process has written them first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {f"w{i:02}": w for i, w in enumerate(model.get_weights())}
    card = json.dumps({"test_accuracy": accuracy, "recipe": RECIPE})
    # Scores by two networks could not be compared.
    with first(path) as aside, aside.open("wb") as file:
        np.savez(file, card=np.array(card), **weights)


def open_stored(
    path: AnyPath, name: str, strategy: tf.distribute.Strategy | None
) -> FeatureNetwork:
    """Returns a network that `store` has written.

    Raises:
        UserError: if the file is broken.
    """
    with (strategy or tf.distribute.get_strategy()).scope():
        model, accuracy = restore(path, name)
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight, np.float32).tobytes())
    return FeatureNetwork(
        lambda images: model(images, training=False)[:2],
        name=name,
        hash=digest.hexdigest()[:16],
        input_size=INPUT_SIZE,
        antialias=True,
        test_accuracy=accuracy,
        strategy=strategy,
    )


def restore(path: AnyPath, name: str) -> tuple[tf.keras.Model, float]:
    """Reads a network that `store` has written.

    Returns:
        The network, and its accuracy on test images.

    Raises:
        UserError: if the file is broken.
    """
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            card = json.loads(str(arrays["card"]))
            names = sorted(key for key in arrays.files if key != "card")
            weights = [arrays[key] for key in names]
        # From the kernel of the first convolution, and the bias of the logits,
        # behind which come kernel and bias of the coarse image.
        channels, num_classes = weights[0].shape[2], weights[-3].size
        model = small_network.build(num_classes, channels)
        model.set_weights(weights)
        return model, card["test_accuracy"]
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(
            f"{path} should hold the weights of {name}: remove it, and it is "
            "trained again"
        ) from error
