"""Trains the networks of a run further, on other images.

    python examples/fine_tune.py runs/imagenet128 images --output=flowers

Everything but what belongs to a class is taken over: the tables of gains and
biases, and the embedding, start anew if there are other classes. The run itself
is left as it is. docs/recipes.md says when this pays, and with what rates.
"""

import argparse
import pathlib

import tensorflow as tf

from sagan_tf import SAGAN, runs
from sagan_tf.data import open_dataset


def for_classes(
    network: tf.keras.Model, num_classes: int
) -> tuple[tf.keras.Model, list[str]]:
    """Returns a copy of a network for another number of classes.

    Args:
        network: a built generator or discriminator.
        num_classes: 0, or 2 and more.

    Returns:
        The copy, and the names of the variables that start anew.
    """
    config = {**network.get_config(), "num_classes": num_classes}
    copy = type(network).from_config(config)
    copy.build_from_config({})
    trained = {variable.name: variable for variable in network.variables}
    anew = []
    for variable in copy.variables:
        source = trained.get(variable.name)
        if source is None or source.shape != variable.shape:
            anew.append(variable.name)
        else:
            variable.assign(source)
    return copy, anew


def main(argv: list[str] | None = None) -> SAGAN:
    """Trains, and writes the averaged generator."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("workdir", help="directory of the run")
    parser.add_argument("folder", help="one sub-folder per class")
    parser.add_argument("--output", type=pathlib.Path, default="fine_tuned")
    parser.add_argument("--checkpoint", default="latest")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=5000)
    arguments = parser.parse_args(argv)

    run = runs.open_run(arguments.workdir, arguments.checkpoint)
    # Images as the run saw its own.
    names = ("image_size", "channels", "fit", "background")
    framing = {name: run.config.dataset[name] for name in names}
    images = open_dataset("folder", path=arguments.folder, **framing)
    # Both networks as they were trained; the average starts from them.
    networks = []
    for network in (run.load_generator(False), run.load_discriminator()):
        network, anew = for_classes(network, images.num_classes)
        networks.append(network)
        print(f"{network.name}: anew are {', '.join(anew) or 'none'}")
    gan = SAGAN(*networks, ema_decay=0.999)
    # Smaller rates than those of a training from the start.
    adam = tf.keras.optimizers.legacy.Adam
    gan.compile(adam(2.5e-5, beta_1=0.0), adam(1e-4, beta_1=0.0))
    gan.fit(
        images.training_batches(arguments.batch, seed=0),
        steps_per_epoch=arguments.steps,
    )
    arguments.output.mkdir(parents=True, exist_ok=True)
    gan.ema_generator.save(arguments.output / "generator.keras")
    return gan


if __name__ == "__main__":
    main()
