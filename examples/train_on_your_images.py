"""Trains a SAGAN on a folder of images, in plain Keras.

    python examples/train_on_your_images.py images --output=mine

The folder has one sub-folder per class, or images alone (no classes); they are
read as RGB, and what is transparent is what its file has there, often black.
It takes as many steps as you give it: a GPU takes hours, a CPU days, for a good
result at 64 pixels. The same run with checkpoints, scores and a log is
`python -m sagan_tf.train --config.dataset.name=folder`; see docs/data.md.
"""

import argparse
import pathlib

import numpy as np
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.visualization import sheets


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Returns the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--output", type=pathlib.Path, default="mine")
    parser.add_argument("--size", type=int, default=64, help="32, 64, 128, 256")
    parser.add_argument("--channels", type=int, default=32, help="width")
    parser.add_argument("--latent_dim", type=int, default=128)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--steps", type=int, default=500, help="per epoch")
    return parser.parse_args(argv)


def load(
    folder: pathlib.Path, size: int, batch: int
) -> tuple[tf.data.Dataset, list[str]]:
    """Returns endless batches of a folder's images, and its classes.

    Args:
        folder: images in one sub-folder per class, or images alone.
        size: height and width, in pixels.
        batch: images in a batch.

    Returns:
        Batches `(images, labels)`: `(batch, size, size, 3)` in [-1, 1] and
        `(batch,)`, zeros without classes; and the names of the classes.
    """
    classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
    images = tf.keras.utils.image_dataset_from_directory(
        str(folder),
        labels="inferred" if classes else None,
        image_size=(size, size),
        crop_to_aspect_ratio=True,
        batch_size=None,
        shuffle=False,
    )
    if not classes:
        images = images.map(lambda image: (image, 0))
    count = int(images.cardinality())

    def prepare(image: tf.Tensor, label: tf.Tensor) -> tuple:
        image = tf.image.random_flip_left_right(image)
        return image / 127.5 - 1.0, tf.cast(label, tf.int32)

    images = images.cache().shuffle(count).repeat().map(prepare)
    batches = images.batch(batch, drop_remainder=True)
    return batches.prefetch(tf.data.AUTOTUNE), classes


def build(arguments: argparse.Namespace, num_classes: int) -> SAGAN:
    """Returns the compiled model: the paper's networks, loss and rates."""
    shared = {
        "image_size": arguments.size,
        "num_classes": num_classes,
        "base_channels": arguments.channels,
        # One attention layer in each network, at half of the image's size.
        "attention_resolutions": (arguments.size // 2,),
    }
    gan = SAGAN(
        Generator(latent_dim=arguments.latent_dim, **shared),
        Discriminator(**shared),
        ema_decay=0.999,
    )
    adam = tf.keras.optimizers.legacy.Adam
    gan.compile(adam(1e-4, beta_1=0.0), adam(4e-4, beta_1=0.0), loss="hinge")
    return gan


class Sheets(tf.keras.callbacks.Callback):
    """Draws the same latents after every epoch, a row of ten for each class.

    Args:
        folder: where the sheets go.
        num_classes: number of classes; 0 for none.
        latent_dim: length of a latent.
    """

    def __init__(self, folder: pathlib.Path, num_classes: int, latent_dim: int):
        super().__init__()
        self.folder = folder
        rows = max(num_classes, 1)
        self.latents = tf.random.stateless_normal(
            (10 * rows, latent_dim), (0, 0)
        )
        self.labels = np.repeat(np.arange(rows), 10)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Writes `epoch_NNNN.png`."""
        network = self.model.ema_generator
        inputs = [self.latents, self.labels]
        if not network.num_classes:
            inputs = self.latents
        sheet = sheets.image_grid(network(inputs, training=False), columns=10)
        path = self.folder / f"epoch_{epoch + 1:04d}.png"
        sheets.write_png(str(path), sheet)


def main(argv: list[str] | None = None) -> SAGAN:
    """Trains, and writes sheets, the generator and all that training needs."""
    arguments = parse(argv)
    output = arguments.output
    batches, classes = load(arguments.folder, arguments.size, arguments.batch)
    print(f"{len(classes)} classes: {', '.join(classes) or 'none'}")
    gan = build(arguments, len(classes))
    # Both networks, the average, both optimizers and the step: started again,
    # it goes on.
    checkpoint = tf.train.Checkpoint(gan=gan)
    manager = tf.train.CheckpointManager(checkpoint, output / "training", 2)
    checkpoint.restore(manager.latest_checkpoint)

    class Save(tf.keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
            manager.save()

    gan.fit(
        batches,
        initial_epoch=int(gan.step) // arguments.steps,
        epochs=arguments.epochs,
        steps_per_epoch=arguments.steps,
        callbacks=[Sheets(output, len(classes), arguments.latent_dim), Save()],
    )
    gan.ema_generator.save(output / "generator.keras")
    return gan


if __name__ == "__main__":
    main()
