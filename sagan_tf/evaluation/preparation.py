"""From what a user asks for to an evaluator with its protocol card."""

from __future__ import annotations

import dataclasses
import os
import sys

import tensorflow as tf
import tqdm

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol, real_statistics, sanity
from sagan_tf.evaluation.classifier import has_classifier, load_classifier
from sagan_tf.evaluation.evaluator import Evaluator
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.identity import describe_data
from sagan_tf.evaluation.inception import NAME, load_inception
from sagan_tf.user_cache import default_cache_dir

# Generated pictures: the number of the literature, and one for a laptop.
_NUM_IMAGES = {True: 50_000, False: 10_000}


@dataclasses.dataclass(frozen=True)
class Options:
    """How to score, whatever is scored.

    Attributes:
        cache_dir: directory of trained classifiers and real statistics; empty
            for `default_cache_dir()`.
        real_statistics: file to keep the real statistics in; empty for one in
            the cache, named by its protocol.
        batch_size: pictures at a time; no score depends on it.
        force: whether poor protocols and implausible floors are warnings only.
        strategy: how devices share the pictures; one device by default. No
            score depends on it.
        tfgan_check: whether TF-GAN computes the FID and the Inception score as
            well, and has to agree.
    """

    cache_dir: str = ""
    real_statistics: str = ""
    batch_size: int = 50
    force: bool = False
    strategy: tf.distribute.Strategy | None = None
    tfgan_check: bool = True


def load_network(
    name: str, dataset_name: str, options: Options, inception_path: str = ""
) -> FeatureNetwork:
    """Load the feature network that pictures are looked at through.

    Args:
        name: `"inception"`, `"twins"`, `"digits"`, or `"auto"`: the classifier
            of the embedded data, Inception for all others or if
            `inception_path` is given.
        dataset_name: name of the data set.
        options: where classifiers are kept.
        inception_path: directory of a SavedModel in place of TF-Hub's.

    Raises:
        UserError: if it cannot be had.
    """
    if name == "auto":
        own = has_classifier(dataset_name) and not inception_path
        name = dataset_name if own else NAME
    if name == NAME:
        return load_inception(inception_path, options.strategy)
    if inception_path:
        raise UserError(
            f"--inception_path should be empty with --features={name}. "
            f"Received: {inception_path}"
        )
    return load_classifier(
        name, options.cache_dir or default_cache_dir(), options.strategy
    )


def default_num_images(network: FeatureNetwork) -> int:
    """Return the number of generated pictures that a score is taken of."""
    return _NUM_IMAGES[network.name == NAME]


def prepare(
    network: FeatureNetwork,
    dataset: ImageDataset,
    *,
    options: Options,
    num_generated: int,
    split: str = "train",
    num_real: int = 0,
) -> tuple[Evaluator, protocol.RealCard]:
    """Look at the real pictures, unless that is done already.

    Args:
        network: what to look through.
        dataset: the real pictures.
        options: how to score.
        num_generated: number of generated pictures to come, to refuse too few
            before the work begins.
        split: name of the split that `dataset` is, or `"folder"`.
        num_real: only the first so many; 0 for all.

    Returns:
        An evaluator, and the card of its real pictures.

    Raises:
        UserError: if there are too few pictures, the statistics are of another
            protocol, or the floor is implausible.
    """
    card = protocol.RealCard(
        network=network.name,
        network_hash=network.hash,
        resize=network.resize,
        data=describe_data(dataset),
        split=split,
        num_real=num_real or dataset.num_examples,
    )
    sanity.check_counts(network, card.num_real, num_generated, options.force)
    file = options.real_statistics or os.path.join(
        options.cache_dir or default_cache_dir(),
        f"real-{network.name}-{protocol.digest(card)}.npz",
    )
    with progress_bar(card.num_real, "real") as bar:
        real = real_statistics.load_or_gather(
            _with_suffix(file),
            card=card,
            network=network,
            dataset=dataset,
            batch_size=options.batch_size,
            progress=lambda done: bar.update(done - bar.n),
        )
    evaluator = Evaluator(
        network,
        real,
        num_classes=dataset.num_classes,
        twins=dataset.name == "twins",
        force=options.force,
        tfgan_check=options.tfgan_check,
    )
    return evaluator, card


def extend(card: protocol.RealCard, **fields: object) -> protocol.Card:
    """Return the card of generated pictures against these real ones."""
    values = {
        field.name: getattr(card, field.name)
        for field in dataclasses.fields(card)
    }
    return protocol.Card(**{**values, **fields})


def progress_bar(total: int, description: str) -> tqdm.tqdm:
    """Return a bar of pictures on standard error."""
    return tqdm.tqdm(
        total=total,
        desc=description,
        unit="picture",
        file=sys.stderr,
        leave=False,
        # A file or a pipe gets a line now and then, not a flood.
        mininterval=0.5 if sys.stderr.isatty() else 15.0,
    )


def _with_suffix(file: str) -> str:
    if not file.endswith(".npz"):
        raise UserError(
            f"--real_statistics should be a file NAME.npz. Received: {file}"
        )
    return file
