"""Puts SAGAN's self-attention into a model of your own.

    python examples/attention_in_your_model.py [--steps=1000]

A small classifier is to see whether the two shapes of an image have one colour.
The images are the embedded data; every other one keeps its own right half, the
rest get that of a neighbour. The program shows where the layer goes and how to
read its weights, not that it helps: without it 400 steps end as well (0.89 of
the images right, with it 0.90), since the last pooling sees both shapes.
docs/results.md has a study where attention makes the difference.
"""

import argparse

import numpy as np
import tensorflow as tf

from sagan_tf.data import open_dataset
from sagan_tf.layers import SelfAttention, SpectralNormalization


def build(channels: int = 32) -> tf.keras.Model:
    """Returns a classifier of 32x32 images with attention on a 16x16 map.

    Args:
        channels: of every layer; at least 8, `SelfAttention`'s `key_divisor`.
    """
    images = tf.keras.Input((32, 32, 3))
    # Any layer with a kernel can be wrapped, as in the paper's networks.
    x = SpectralNormalization(tf.keras.layers.Conv2D(channels, 3, 2, "same"))(
        images
    )
    x = tf.keras.layers.ReLU()(x)
    # The gate starts at 0, where the layer changes nothing: a trained network
    # can be given one. Here training starts with it, so let it look at once.
    x = SelfAttention(gate_initializer="ones", name="attention")(x)
    x = tf.keras.layers.Conv2D(channels, 3, 2, "same", activation="relu")(x)
    x = tf.keras.layers.Conv2D(channels, 3, 2, "same", activation="relu")(x)
    x = tf.keras.layers.GlobalMaxPooling2D()(x)
    return tf.keras.Model(images, tf.keras.layers.Dense(1)(x))


def pairs(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Gives every other image the right half of another one.

    Args:
        images: `(batch, height, width, 3)`.
        labels: ignored.

    Returns:
        Images, and whether their halves belong together, `(batch,)`.
    """
    del labels
    half = images.shape[2] // 2
    others = tf.roll(images, 1, axis=0)[:, :, half:]
    mixed = tf.concat((images[:, :, :half], others), axis=2)
    belong = np.arange(images.shape[0]) % 2
    chosen = belong.astype(bool)[:, None, None, None]
    return tf.where(chosen, images, mixed), tf.constant(belong)


def main(argv: list[str] | None = None) -> tuple[tf.keras.Model, np.ndarray]:
    """Trains, and prints how well it sees and where one position looks."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--channels", type=int, default=32)
    arguments = parser.parse_args(argv)
    twins = open_dataset("twins", image_size=32)
    model = build(arguments.channels)
    model.compile(
        tf.keras.optimizers.legacy.Adam(1e-3),
        tf.keras.losses.BinaryCrossentropy(from_logits=True),
        [tf.keras.metrics.BinaryAccuracy(threshold=0.0)],
    )
    batches = twins.training_batches(64, seed=0).map(pairs)
    model.fit(batches, steps_per_epoch=arguments.steps, verbose=2)

    # The weights of the attention, for one image: (1, 256 queries, 64 keys).
    layer = model.get_layer("attention")
    before = tf.keras.Model(model.input, layer.input)
    image = tf.constant(
        twins.images(np.array([0]))[0] / 127.5 - 1.0, tf.float32
    )
    _, scores = layer(before(image), return_attention_scores=True)
    row = scores.numpy()[0, 16 * 8 + 4]
    print(f"gate {float(layer.gate):.2f}; the position (8, 4) of the map looks")
    print("most at the keys", np.argsort(row)[::-1][:5].tolist())
    return model, scores.numpy()


if __name__ == "__main__":
    main()
