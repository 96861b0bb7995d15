"""The feature network of the embedded data, trained by the program itself.

Inception knows photographs; to it, twins and digits are all alike. A small
network learns the classes of these data and, from the same features, what the
image looks like in coarse: so a distance of features sees wrong colours and
places as well as wrong kinds. Half of the images that it learns from have the
right half of another one, or the features would not know what to say of halves
that do not agree.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Iterable

import numpy as np
import tensorflow as tf
from absl import logging

from sagan_tf import storage
from sagan_tf.data import ImageDataset, open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.storage import AnyPath
from sagan_tf.whole_files import first

INPUT_SIZE = 32
NUM_FEATURES = 64
# Number of the recipe: another one trains anew, under another hash.
RECIPE = 1
_STEPS = {"twins": 900, "digits": 500}
BATCH_SIZE = 128
_LEARNING_RATE = 3e-3
# Height and width of the coarse image that features have to hold.
_COARSE_SIZE = 8
# How much the coarse image counts beside the class.
_COARSE_WEIGHT = 4.0
_LEAST_ACCURACY = 0.95
SEED = 0


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
        model = train(batches, data.num_classes, steps, name)
        accuracy = accuracy_of(model, opened("test").ordered_batches(500))
        check_accuracy(name, accuracy, _LEAST_ACCURACY)
        store(path, model, accuracy)
    num_classes = open_dataset(
        dataset_name, image_size=INPUT_SIZE, num_examples=1
    ).num_classes
    return open_stored(path, name, num_classes, dataset_name, strategy)


def _build(num_classes: int) -> tf.keras.Model:
    """Returns images -> logits, features and the coarse image."""
    layers = tf.keras.layers
    images = layers.Input((INPUT_SIZE, INPUT_SIZE, 3))
    hidden = images
    for channels in (24, 48, 96):
        hidden = layers.Conv2D(
            channels, 3, strides=2, padding="same", use_bias=False
        )(hidden)
        hidden = layers.BatchNormalization(momentum=0.98)(hidden)
        hidden = layers.ReLU()(hidden)
    # Flat rather than pooled: features have to know where things are.
    hidden = layers.Flatten()(hidden)
    features = layers.Dense(NUM_FEATURES, name="features")(hidden)
    logits = layers.Dense(num_classes, name="logits")(layers.ReLU()(features))
    coarse = layers.Dense(_COARSE_SIZE**2 * 3, name="coarse")(features)
    return tf.keras.Model(images, [logits, features, coarse])


def train(
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
    num_classes: int,
    steps: int,
    name: str,
) -> tf.keras.Model:
    """Trains the network.

    Args:
        batches: `steps` of `BATCH_SIZE` images `(batch, 32, 32, 3)` in [-1, 1]
            and their labels.
        num_classes: number of classes.
        steps: number of steps.
        name: what it is called.
    """
    tf.keras.utils.set_random_seed(SEED)
    model = _build(num_classes)
    schedule = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    optimizer = tf.keras.optimizers.Adam(schedule)

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        images, is_whole = _with_mixed_halves(images)
        with tf.GradientTape() as tape:
            loss = _loss(model, images, labels, is_whole)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))
        return loss

    logging.info("training %s: %d steps", name, steps)
    for number, batch in enumerate(batches, 1):
        loss = step(*batch)
        if number % 100 == 0:
            logging.info("step %d of %d: loss %.4f", number, steps, loss)
    return model


def _with_mixed_halves(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gives the second half of the batch the right halves of neighbours."""
    middle, half = images.shape[0] // 2, INPUT_SIZE // 2
    whole, cut = images[:middle], images[middle:]
    mixed = tf.concat(
        (cut[:, :, :half], tf.roll(cut, 1, axis=0)[:, :, half:]), axis=2
    )
    is_whole = tf.cast(tf.range(images.shape[0]) < middle, tf.float32)
    return tf.concat((whole, mixed), axis=0), is_whole


def _loss(
    model: tf.keras.Model,
    images: tf.Tensor,
    labels: tf.Tensor,
    is_whole: tf.Tensor,
) -> tf.Tensor:
    logits, _, coarse = model(images, training=True)
    # Mixed images have two kinds: they teach the coarse image only.
    kind = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    kind = tf.reduce_sum(kind * is_whole) / tf.reduce_sum(is_whole)
    target = tf.nn.avg_pool2d(images, INPUT_SIZE // _COARSE_SIZE, 4, "VALID")
    target = tf.reshape(target, tf.shape(coarse))
    error = tf.reduce_mean(tf.math.squared_difference(target, coarse))
    return kind + _COARSE_WEIGHT * error


def accuracy_of(
    model: tf.keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]
) -> float:
    """Returns the share of images whose class it knows."""
    hits = [
        np.argmax(model(images, training=False)[0], axis=1) == labels
        for images, labels in batches
    ]
    return float(np.concatenate(hits).mean())


def check_accuracy(name: str, accuracy: float, least: float) -> None:
    """Refuses a network that is not good enough to score with."""
    logging.info("%s: test accuracy %.4f", name, accuracy)
    if accuracy < least:
        raise UserError(
            f"{name} should recognise {least:.0%} of the test images. "
            f"Received: {accuracy:.1%}"
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
    path: AnyPath,
    name: str,
    num_classes: int,
    trained_on: str,
    strategy: tf.distribute.Strategy | None,
) -> FeatureNetwork:
    """Returns a network that `store` has written.

    Raises:
        UserError: if the file is broken.
    """
    with (strategy or tf.distribute.get_strategy()).scope():
        model = _build(num_classes)
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            card = json.loads(str(arrays["card"]))
            names = sorted(key for key in arrays.files if key != "card")
            weights = [arrays[key] for key in names]
        model.set_weights(weights)
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(
            f"{path} should hold the weights of {name}: remove it, and it is "
            "trained again"
        ) from error
    network = FeatureNetwork(
        lambda images: model(images, training=False)[:2],
        name=name,
        hash=_digest(weights),
        input_size=INPUT_SIZE,
        antialias=True,
        trained_on=trained_on,
        test_accuracy=card["test_accuracy"],
        strategy=strategy,
    )
    network.model = model
    return network


def _digest(weights: list[Any]) -> str:
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(np.ascontiguousarray(weight, np.float32).tobytes())
    return digest.hexdigest()[:16]
