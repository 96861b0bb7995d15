"""A small network that learns classes, and what images look like in coarse.

From the same features: so a distance of features sees wrong colours and places
as well as wrong kinds. Half of the images that it learns from have the right
half of another one, or the features would not know what to say of halves that
do not agree.
"""

from __future__ import annotations

from typing import Iterable

import numpy as np
import tensorflow as tf

from sagan_tf.progress import progress_bar

INPUT_SIZE = 32
NUM_FEATURES = 64
BATCH_SIZE = 128
SEED = 0
# Number of the recipe: another one trains anew, under another hash.
RECIPE = 1
_LEARNING_RATE = 3e-3
# Height and width of the coarse image that features have to hold.
_COARSE_SIZE = 8
# How much the coarse image counts beside the class.
_COARSE_WEIGHT = 4.0


def build(num_classes: int, channels: int = 3) -> tf.keras.Model:
    """Returns images -> logits, features and the coarse image."""
    layers = tf.keras.layers
    images = layers.Input((INPUT_SIZE, INPUT_SIZE, channels))
    hidden = images
    for filters in (24, 48, 96):
        hidden = layers.Conv2D(
            filters, 3, strides=2, padding="same", use_bias=False
        )(hidden)
        hidden = layers.BatchNormalization(momentum=0.98)(hidden)
        hidden = layers.ReLU()(hidden)
    # Flat rather than pooled: features have to know where things are.
    hidden = layers.Flatten()(hidden)
    features = layers.Dense(NUM_FEATURES, name="features")(hidden)
    logits = layers.Dense(num_classes, name="logits")(layers.ReLU()(features))
    size = _COARSE_SIZE**2 * channels
    coarse = layers.Dense(size, name="coarse")(features)
    return tf.keras.Model(images, [logits, features, coarse])


def train(
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]],
    num_classes: int,
    steps: int,
    name: str,
    channels: int = 3,
) -> tf.keras.Model:
    """Returns the network, trained on all batches.

    Args:
        batches: `steps` of `BATCH_SIZE` images `(batch, 32, 32, channels)` in
            [-1, 1] and their labels.
    """
    tf.keras.utils.set_random_seed(SEED)
    model = build(num_classes, channels)
    schedule = tf.keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
    optimizer = tf.keras.optimizers.Adam(schedule)

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> None:
        images, is_whole = _with_mixed_halves(images)
        with tf.GradientTape() as tape:
            loss = _loss(model, images, labels, is_whole)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    with progress_bar(steps, "step", name) as bar:
        for batch in batches:
            step(*batch)
            bar.update()
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


def resized(images: np.ndarray) -> tf.Tensor:
    """Returns images of any size as the network takes them, filtered."""
    return tf.image.resize(images, (INPUT_SIZE, INPUT_SIZE), antialias=True)


def accuracy_of(
    model: tf.keras.Model, batches: Iterable[tuple[tf.Tensor, tf.Tensor]]
) -> float:
    """Returns the share of images whose class it knows."""
    hits = [
        np.argmax(model(images, training=False)[0], axis=1) == labels
        for images, labels in batches
    ]
    return float(np.concatenate(hits).mean())
