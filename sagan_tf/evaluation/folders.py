"""A folder of pictures against a folder of pictures, whoever made them."""

from __future__ import annotations

from PIL import Image

from sagan_tf.data import ImageDataset, open_dataset
from sagan_tf.data.formats.folder import list_folder
from sagan_tf.data.stores import fits_in_memory
from sagan_tf.errors import UserError
from sagan_tf.evaluation import preparation
from sagan_tf.evaluation.evaluator import Scores
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.identity import folder_digest


def check_folders(real_dir: str, fake_dir: str) -> None:
    """Refuse folders without pictures, before a network is fetched.

    Raises:
        UserError: if a folder is missing or empty.
    """
    for path in (real_dir, fake_dir):
        list_folder(path)


def score_folders(
    network: FeatureNetwork,
    *,
    real_dir: str,
    fake_dir: str,
    options: preparation.Options,
    num_images: int = 0,
    image_size: int = 0,
) -> Scores:
    """Score the pictures in one folder against those in another.

    Both are cut to squares of one size first, as pictures to train on are.

    Args:
        network: what to look through.
        real_dir: folder of PNG and JPEG files; sub-folders are read too.
        fake_dir: likewise.
        options: how to score.
        num_images: number of pictures of `fake_dir`; 0 for all.
        image_size: height and width to cut to; 0 for the shorter side of the
            first picture in `fake_dir`.

    Raises:
        UserError: if a folder cannot be used, or there are too few pictures.
    """
    size = image_size or _size_of(fake_dir)
    fake = _open(fake_dir, size, num_images or None)
    real = _open(real_dir, size)
    evaluator, real_card = preparation.prepare(
        network,
        real,
        options=options,
        num_generated=fake.num_examples,
        split="folder",
    )
    card = preparation.extend(
        real_card,
        num_generated=fake.num_examples,
        source=f"folder {folder_digest(fake_dir)}",
        labels="none",
        statistics_mode="none",
        weights="none",
    )
    batches = (
        (images.numpy(), labels.numpy())
        for images, labels in fake.ordered_batches(options.batch_size)
    )
    with preparation.progress_bar(fake.num_examples, "fake") as bar:
        return evaluator.score(
            batches, card, lambda done: bar.update(done - bar.n)
        )


def _open(
    path: str, size: int, num_examples: int | None = None
) -> ImageDataset:
    count = num_examples or len(list_folder(path).paths)
    return open_dataset(
        "folder",
        path=path,
        image_size=size,
        num_classes=0,
        num_examples=num_examples,
        # Shards would not pay: each image is looked at once.
        cache="" if fits_in_memory(count, size) else "none",
    )


def _size_of(path: str) -> int:
    first = list_folder(path).paths[0]
    try:
        with Image.open(first) as image:
            return min(image.size)
    except OSError as error:
        raise UserError(f"cannot read {first}: not a picture.") from error
