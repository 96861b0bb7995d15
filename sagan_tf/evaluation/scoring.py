"""Scoring a run, or a folder: from what a user asks for to the scores."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Callable, Sequence

from sagan_tf.data import ImageDataset, open_dataset
from sagan_tf.data.decoding import UnreadableError
from sagan_tf.data.formats.folder import Folder
from sagan_tf.data.stores import fits_in_memory
from sagan_tf.errors import UserError
from sagan_tf.evaluation import halves, protocol, real_statistics
from sagan_tf.evaluation.evaluator import Evaluator, progress_bar
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.generated import Checkpoints, CheckpointSampler
from sagan_tf.evaluation.inception import NAME
from sagan_tf.evaluation.options import Options, load_network
from sagan_tf.evaluation.run_scorer import RunScorer, Workdir
from sagan_tf.evaluation.score_table import Scores
from sagan_tf.networks import Generator
from sagan_tf.user_cache import default_cache_dir

# Generated images: the number of the literature, and one for a laptop.
_NUM_IMAGES = {True: 50_000, False: 10_000}


def score_run(
    dataset: ImageDataset,
    generator: Generator,
    places: Sequence[Checkpoints],
    *,
    data: str,
    split: str,
    workdir: Workdir,
    checkpoint_path: Callable[[int], Path],
    options: Options,
) -> RunScorer:
    """Gets ready to score steps of a run, looking at its real images.

    Args:
        dataset: the real images.
        generator: a generator of the run's architecture.
        places: where the weights of a step may be, in the order to look.
        data: name of the data set that the run was trained on.
        split: name of the split that `dataset` is.
        workdir: where scores and the best checkpoint go.
        checkpoint_path: takes a step, and gives the directory of its
            checkpoint.
        options: how to score.

    Raises:
        UserError: if the network cannot be had, or the real images do not
            serve.
    """
    network = load_network(data, options)
    num_images = options.num_images or _NUM_IMAGES[network.name == NAME]
    evaluator, card = _prepare(network, dataset, num_images, split, options)
    sampler = CheckpointSampler(
        generator,
        places,
        averaged=options.averaged,
        num_images=num_images,
        truncation=options.truncation,
        seed=options.seed,
        batch_size=options.batch_size,
    )
    return RunScorer(
        evaluator,
        protocol.extend(card, **sampler.card()),
        workdir=workdir,
        sample=sampler,
        checkpoint_path=checkpoint_path,
        metric=options.metric,
    )


def score_folders(
    real_dir: str, fake_dir: str, options: Options, image_size: int = 0
) -> Scores:
    """Scores the images in one folder against those in another.

    Both are cut to squares of one size first, as images to train on are.

    Args:
        real_dir: folder of PNG and JPEG files; sub-folders are read too.
        fake_dir: likewise.
        options: how to score.
        image_size: height and width to cut to; 0 for the shorter side of the
            first image in `fake_dir`.

    Raises:
        UserError: if a folder cannot be used, or there are too few images.
    """
    # Before a network is fetched.
    _, folder = Folder(real_dir), Folder(fake_dir)
    network = load_network("folder", options)
    size = image_size or _size_of(folder)
    fake = _open_folder(fake_dir, size, options.num_images)
    real = _open_folder(real_dir, size)
    count = fake.num_examples
    options = dataclasses.replace(options, num_real=0)
    evaluator, real_card = _prepare(network, real, count, "folder", options)
    card = protocol.extend(
        real_card,
        num_generated=count,
        source=f"folder {folder.identity().split()[-1]}",
        labels="none",
        statistics_mode="none",
        weights="none",
    )
    batches = (
        (images.numpy(), labels.numpy())
        for images, labels in fake.ordered_batches(options.batch_size)
    )
    with progress_bar(count, "fake") as progress:
        return evaluator.score(batches, card, progress)


def _prepare(
    network: FeatureNetwork,
    dataset: ImageDataset,
    num_generated: int,
    split: str,
    options: Options,
) -> tuple[Evaluator, protocol.RealCard]:
    """Looks at the real images, unless that is done already."""
    card = protocol.RealCard(
        network=network.name,
        network_hash=network.hash,
        resize=network.resize,
        data=protocol.describe_data(dataset),
        split=split,
        num_real=options.num_real or dataset.num_examples,
    )
    # Before the work begins.
    halves.check_counts(network, card.num_real, num_generated, options.force)
    with progress_bar(card.num_real, "real") as progress:
        real = real_statistics.load_or_gather(
            _statistics_file(card, options),
            card=card,
            network=network,
            dataset=dataset,
            batch_size=options.batch_size,
            progress=progress,
        )
    evaluator = Evaluator(
        network,
        real,
        data=dataset.name,
        num_classes=dataset.num_classes,
        force=options.force,
        tfgan_check=options.tfgan_check,
    )
    return evaluator, card


def _statistics_file(card: protocol.RealCard, options: Options) -> str:
    file = options.real_statistics
    if file and not file.endswith(".npz"):
        raise UserError(
            f"--real_statistics should be a file NAME.npz. Received: {file}"
        )
    name = f"real-{card.network}-{protocol.digest(card)}.npz"
    return file or os.path.join(options.cache_dir or default_cache_dir(), name)


def _open_folder(path: str, size: int, num_examples: int = 0) -> ImageDataset:
    count = num_examples or Folder(path).count
    return open_dataset(
        "folder",
        path=path,
        image_size=size,
        num_classes=0,
        num_examples=num_examples or None,
        # Shards would not pay: each image is looked at once.
        cache="" if fits_in_memory(count, size) else "none",
    )


def _size_of(folder: Folder) -> int:
    """Returns the shorter side of the first image that can be read."""
    for index in range(folder.count):
        with contextlib.suppress(UnreadableError):
            return min(folder.shape(index))
    raise UserError(f"no image in {folder.root} is readable")
