"""Scoring a run, or files: from what a user asks for to the scores."""

from __future__ import annotations

import os
from typing import Callable

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import (
    classification_accuracy,
    image_findings,
    protocol,
)
from sagan_tf.evaluation.classification_accuracy import ClassificationTest
from sagan_tf.evaluation.evaluator import Evaluator
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.features.inception import NAME
from sagan_tf.evaluation.images.generated import CheckpointSampler, Restore
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.options import Options, load_network
from sagan_tf.evaluation.results.score_table import Scores
from sagan_tf.evaluation.run_scorer import RunScorer, Workdir
from sagan_tf.evaluation.sets import given_statistics, halves, real_statistics
from sagan_tf.evaluation.sets.real_statistics import RealStatistics
from sagan_tf.image_sizes import sides
from sagan_tf.networks import Generator
from sagan_tf.storage import AnyPath
from sagan_tf.user_cache import default_cache_dir

# Generated images: the number of the literature, and one for a laptop.
_NUM_IMAGES = {True: 50_000, False: 10_000}


def score_run(
    dataset: ImageDataset,
    generator: Generator,
    restore: Restore,
    *,
    data: str,
    split: str,
    workdir: Workdir,
    checkpoint_path: Callable[[int], AnyPath],
    options: Options,
    trained_on: ImageDataset | None = None,
) -> RunScorer:
    """Gets ready to score steps of a run, looking at its real images.

    Args:
        dataset: the real images.
        restore: gives a generator the weights of a step.
        data: name of the data set, as the user has given it.
        split: name of the split that `dataset` is.
        checkpoint_path: gives the directory of a step's checkpoint.
        options: how to score.
        trained_on: the images that the run was trained on, if they are others
            and are needed, by `options.cas` or a network that learns them.

    Raises:
        UserError: if the network cannot be had, or the real images do not
            serve.
    """
    options.outputs.check()
    # What is scored against should be new to the network too.
    known = dataset if trained_on is None else trained_on
    network = load_network(data, options, known)
    height, width = sides(dataset.image_size)
    image_findings.warn_of_shrinking(network, "the images", [(width, height)])
    num_images = options.num_images or _NUM_IMAGES[network.name == NAME]
    test = None
    if options.cas:
        test = classification_accuracy.prepare(
            dataset,
            split,
            trained_on,
            _num_real(dataset, options),
            options.cache_dir or default_cache_dir(),
        )
    evaluator, card = _prepare(
        network, dataset, num_images, split, options, test
    )
    evaluator.require(options.metric, num_images)
    sampler = CheckpointSampler(
        generator,
        restore,
        averaged=options.averaged,
        num_images=num_images,
        truncation=options.truncation,
        seed=options.seed,
        batch_size=options.batch_size,
    )
    cas_test = test.images if test else ""
    return RunScorer(
        evaluator,
        protocol.Card(**vars(card), **sampler.card(), cas_test=cas_test),
        workdir=workdir,
        sample=sampler,
        checkpoint_path=checkpoint_path,
        metric=options.metric,
    )


def score_files(real_dir: str, fake_dir: str, options: Options) -> Scores:
    """Scores images in files against others, or against their statistics.

    Args:
        real_dir: folder, `.zip`, `.tar` or `.npz`, see `ImageSet`; empty where
            `options.real_statistics` takes its place.
        fake_dir: likewise, but for that.
        options: how to score.

    Raises:
        UserError: if the files cannot be used, or there are too few images.
    """
    options.outputs.check()
    cut = options.image_size, options.skip_unreadable
    # Before a network is fetched.
    real = ImageSet("--real_dir", real_dir, *cut) if real_dir else None
    fake = ImageSet("--fake_dir", fake_dir, *cut)
    data = "folder"
    if real is None:
        data = given_statistics.name_of_data(options.real_statistics)
    network = load_network(data, options, real)
    image_findings.warn_of_files(network, real, fake)
    count = options.num_images or fake.num_examples
    _check_count("--num_images", count, fake.num_examples)
    evaluator, real_card = _prepare(network, real, count, "folder", options)
    card = protocol.Card(
        **vars(real_card),
        num_generated=count,
        source=fake.describe(),
        labels="none",
        statistics_mode="none",
        weights="none",
    )
    return evaluator.score(fake.batches(options.batch_size, count), card)


def _prepare(
    network: FeatureNetwork,
    dataset: ImageDataset | ImageSet | None,
    num_generated: int,
    split: str,
    options: Options,
    test: ClassificationTest | None = None,
) -> tuple[Evaluator, protocol.RealCard]:
    """Looks at the real images, unless that is done already."""
    file = options.real_statistics
    if file and given_statistics.is_moments(file):
        real, card = given_statistics.open_moments(file, network)
    elif dataset is None:
        real, card = given_statistics.open_kept(file, network)
    else:
        real, card = _look(network, dataset, num_generated, split, options)
    if options.outputs.neighbours and (dataset is None or not real.count):
        raise UserError(
            "--neighbours should be left out: --real_statistics="
            f"{file} has no real images to show"
        )
    evaluator = Evaluator(
        network,
        real,
        dataset,
        force=options.force,
        tfgan_check=options.tfgan_check,
        outputs=options.outputs,
        test=test,
    )
    return evaluator, card


def _look(
    network: FeatureNetwork,
    dataset: ImageDataset | ImageSet,
    num_generated: int,
    split: str,
    options: Options,
) -> tuple[RealStatistics, protocol.RealCard]:
    num_real = _num_real(dataset, options)
    card = protocol.RealCard(
        network=network.name,
        network_hash=network.hash,
        resize=network.resize,
        data=(
            dataset.describe()
            if isinstance(dataset, ImageSet)
            else protocol.describe_data(dataset)
        ),
        split=split,
        num_real=num_real,
    )
    # Before the work begins.
    halves.check_counts(network, num_real, num_generated, options.force)
    real = real_statistics.load_or_gather(
        _statistics_file(card, options),
        card=card,
        network=network,
        dataset=dataset,
        batch_size=options.batch_size,
    )
    return real, card


def _num_real(dataset: ImageDataset | ImageSet, options: Options) -> int:
    count = options.num_real or dataset.num_examples
    _check_count("--num_real", count, dataset.num_examples)
    return count


def _check_count(flag: str, count: int, available: int) -> None:
    if count > available:
        raise UserError(
            f"{flag} should be at most {available}, the images that there "
            f"are. Received: {count}"
        )


def _statistics_file(card: protocol.RealCard, options: Options) -> str:
    file = options.real_statistics
    if file and not file.endswith(".npz"):
        raise UserError(
            f"--real_statistics should be a file NAME.npz. Received: {file}"
        )
    name = f"real-{card.network}-{protocol.digest(card)}.npz"
    return file or os.path.join(options.cache_dir or default_cache_dir(), name)
