"""Turns a checkpoint of another implementation into a workdir.

    python -m tools.import_checkpoint --format=release \
        --checkpoint=PREFIX --workdir=DIR

The format is `release`, `tfgan` (both TensorFlow 1), `studiogan` or `heykeetae`
(both PyTorch, which need not be installed; the checkpoint is the generator's
file, with the discriminator's beside it).

What the checkpoint does not tell (data, rates, intervals) comes from
`--config`; only data that are drawn by the program, of another size or other
classes than the checkpoint's, become a folder. The averaged generator starts as
a copy; optimizers start afresh.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
import json
import shlex

import ml_collections
import tensorflow as tf
from absl import flags
from ml_collections import config_flags

from sagan_tf.configuration import builders, files, validation
from sagan_tf.data import formats
from sagan_tf.errors import UserError
from sagan_tf.interop import heykeetae, release, studiogan, tfgan
from sagan_tf.networks import (
    DCGANDiscriminator,
    DCGANGenerator,
    Discriminator,
    Generator,
)
from sagan_tf.training.workdir import Workdir

READERS = {
    "heykeetae": heykeetae,
    "release": release,
    "studiogan": studiogan,
    "tfgan": tfgan,
}
# Files have to be somewhere; training may name another place.
UNKNOWN_PATH = "imagenet"

_CONFIG = command.define_config_flag(
    "Configuration, by name or path, for what the checkpoint does not tell.",
    default="imagenet128",
)
_FORMAT = flags.DEFINE_enum(
    "format", None, sorted(READERS), "Implementation that wrote it."
)
_CHECKPOINT = command.define_path(
    "checkpoint",
    None,
    "Prefix of the checkpoint, without .index; or the generator's .pth file.",
    local=True,
)
_WORKDIR = command.define_path("workdir", None, "Directory to write.")
_ATTENTION = flags.DEFINE_list(
    "attention_resolutions",
    None,
    "Sizes of the maps with attention, where channels leave a choice.",
)


def describe(
    base: ml_collections.ConfigDict,
    generator: Generator | DCGANGenerator,
    discriminator: Discriminator | DCGANDiscriminator,
    format: str = "release",
) -> ml_collections.ConfigDict:
    """Returns a configuration that builds networks like these.

    Args:
        base: where every other field comes from.
        generator: the generator that was read.
        discriminator: the discriminator that was read.
        format: one of `READERS`.

    Raises:
        UserError: if no configuration builds them.
    """
    config = base.copy_and_resolve_references()
    model = config.model
    _describe_data(config.dataset, generator)
    model.latent_dim = generator.latent_dim
    model.base_channels = generator.base_channels
    model.discriminator_base_channels = discriminator.base_channels
    model.attention_resolutions = generator.attention_resolutions
    model.discriminator_attention_resolutions = (
        discriminator.attention_resolutions
    )
    model.attention_key_divisor, model.attention_value_divisor = 8, 2
    for network in (discriminator, generator):
        for name in ("key_divisor", "value_divisor"):
            if name in network.attention_options:
                model[f"attention_{name}"] = network.attention_options[name]
    model.attention_pooling = True
    model.attention_replacement = "attention"
    model.generator_spectral_normalization = "same"
    model.batch_norm_momentum = generator.batch_norm.momentum
    model.batch_norm_epsilon = generator.batch_norm.epsilon
    is_tfgan = format == "tfgan"
    model.spectral_normalization = "tfgan" if is_tfgan else "release"
    if isinstance(generator, DCGANGenerator):
        model.architecture = "dcgan"
    else:
        model.output_batch_norm_momentum = generator.output_momentum
        model.normalized_class_tables = (
            generator.batch_norm.normalized_tables is not None
        )
        model.rectified_shortcuts = discriminator.rectified_shortcuts
    validation.validate(config)
    return config


def _describe_data(
    dataset: ml_collections.ConfigDict, generator: Generator | DCGANGenerator
) -> None:
    """Gives the data the sizes of the images that were drawn."""
    sizes = {
        "image_size": generator.image_size,
        "num_classes": generator.num_classes,
        "channels": generator.channels,
    }
    is_embedded = formats.find(dataset.name).embedded
    if is_embedded and any(dataset[name] != sizes[name] for name in sizes):
        # They were of something else, and such data cannot be cut to size.
        dataset.name, is_embedded = "folder", False
        # Folders have no splits.
        dataset.split, dataset.evaluation_split = "train", ""
    if not is_embedded and not dataset.name.startswith("tfds:"):
        dataset.path = dataset.path or UNKNOWN_PATH
    # A pair may come in a number's place.
    with dataset.ignore_type():
        dataset.update(sizes)


def write(
    config: ml_collections.ConfigDict,
    generator: Generator | DCGANGenerator,
    discriminator: Discriminator | DCGANDiscriminator,
    workdir: Workdir,
) -> None:
    """Writes a workdir at step 0 with these networks.

    Raises:
        UserError: if there is a run already, or the configuration builds other
            networks.
    """
    if workdir.config.exists():
        raise UserError(
            f"--workdir should not hold a run yet. Received: {workdir.path}"
        )
    gan = builders.build_gan(config)
    for ours, theirs in (
        (gan.generator, generator),
        (gan.ema_generator, generator),
        (gan.discriminator, discriminator),
    ):
        _copy(ours, theirs)
    workdir.write_config(json.loads(config.to_json()))
    builders.build_checkpoints(config, workdir).save(gan)


def _copy(ours: tf.keras.Model, theirs: tf.keras.Model) -> None:
    shapes = [
        [(variable.name.partition("/")[2], variable.shape) for variable in all]
        for all in (ours.variables, theirs.variables)
    ]
    if shapes[0] != shapes[1]:
        raise UserError(
            "--checkpoint should hold networks that a configuration can "
            f"describe. Received: {theirs.get_config()}"
        )
    ours.set_weights(theirs.get_weights())


def training_command(
    path: str, config: ml_collections.ConfigDict, workdir: str
) -> str:
    """Returns the command that trains further.

    It names what differs from `path`, the configuration that it came from.
    """
    stored = validation.flatten(files.load_config(path))
    fields = validation.flatten(config)
    words = [f"--config={path}", f"--workdir={workdir}"]
    words += [
        f"--config.{name}={value}"
        for name, value in fields.items()
        if value != stored[name]
    ]
    return shlex.join(["python", "-m", "sagan_tf.train", *words])


def _sizes(words: list[str] | None) -> tuple[int, ...] | None:
    try:
        return tuple(map(int, words)) if words else None
    except ValueError as error:
        raise UserError(
            "--attention_resolutions should be integers such as 16,32. "
            f"Received: {','.join(words)!r}"
        ) from error


def main(argv: list[str]) -> None:
    """Reads the checkpoint and writes the workdir."""
    del argv
    sizes = _sizes(_ATTENTION.value)
    networks = READERS[_FORMAT.value].load(_CHECKPOINT.value, sizes)
    config = describe(_CONFIG.value, *networks, _FORMAT.value)
    write(config, *networks, Workdir(_WORKDIR.value))
    path = config_flags.get_config_filename(flags.FLAGS["config"])
    sys.stdout.write(
        f"{_WORKDIR.value} holds the networks of {_CHECKPOINT.value} as step "
        "0; to train further:\n  "
        f"{training_command(path, config, _WORKDIR.value)}\n"
    )


if __name__ == "__main__":
    command.run(main, required_flags=("format", "checkpoint", "workdir"))
