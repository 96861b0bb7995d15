"""Statistics of the real images: gathered once, kept with their card."""

from __future__ import annotations

import json
import time
from typing import Iterable, Iterator, Mapping

import numpy as np
from absl import logging

from sagan_tf import storage
from sagan_tf.data import ImageDataset
from sagan_tf.data.channels import to_rgb
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, protocol
from sagan_tf.evaluation.comparison import Comparison
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.images import archives
from sagan_tf.evaluation.images.image_sets import ImageSet
from sagan_tf.evaluation.metrics import Metric, Setting
from sagan_tf.evaluation.sets.set_statistics import (
    Statistics,
    named,
    nested,
)
from sagan_tf.progress import progress_bar
from sagan_tf.storage import AnyPath
from sagan_tf.whole_files import replacing, write_npz

_SECONDS_BETWEEN_SAVES = 20.0


class RealStatistics:
    """Real images in two halves, and what they score by themselves.

    Args:
        first: statistics of the first half.
        second: the same of the second half.
        references: scores by their `reference_name`, as far as they are known.
    """

    def __init__(
        self,
        first: Statistics,
        second: Statistics,
        references: Mapping[str, float] | None = None,
    ) -> None:
        self.halves = first, second
        self.references = dict(references or {})

    @property
    def count(self) -> int:
        """Number of images."""
        return sum(half.count for half in self.halves)

    def whole(self) -> Statistics:
        """Returns the statistics of all images."""
        whole = self.halves[0].empty()
        for half in self.halves:
            whole.merge(half)
        return whole

    def measure(self, chosen: Iterable[Metric]) -> bool:
        """Measures what is not known yet; returns whether there was any."""
        missing = [
            metric
            for metric in chosen
            if metric.reference and metric.reference_name not in self.references
        ]
        if missing:
            whole = self.whole()
            pairs = {
                "halves": Comparison(*self.halves),
                "real": Comparison(whole, whole),
            }
            for metric in missing:
                value = metric.compute(pairs[metric.reference])
                self.references[metric.reference_name] = value
        return bool(missing)


def load_or_gather(
    path: storage.PathLike,
    *,
    card: protocol.RealCard,
    network: FeatureNetwork,
    dataset: ImageDataset | ImageSet,
    batch_size: int,
) -> RealStatistics:
    """Returns the statistics in a file, gathering and writing them if new.

    What is gathered is saved on the way: after a kill the next call goes on
    behind the last batches that were saved.

    Args:
        path: the file, `NAME.npz`; its card goes into `NAME.json`.
        card: the protocol that is wanted.
        network: what to look through.
        dataset: the real images, of which `card.num_real` are taken.
        batch_size: images at a time; the result does not depend on it.

    Raises:
        UserError: if the file was made by another protocol, or is broken.
    """
    path = storage.at(path)
    setting = Setting(
        dataset.name, dataset.num_classes, dataset.channels, network
    )
    chosen = metrics.applicable(setting)
    empty = Statistics.of(
        network,
        metrics.needs(chosen, of_real=True),
        dataset.num_classes,
        card.num_real,
    )
    real = _open(path, card, empty) if path.exists() else None
    is_new = real is None
    if is_new:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = _partial(path, card)
        real = _resume(partial, empty)
        batches = _batches(dataset, card.num_real, batch_size, real.count)
        _gather(real, partial, network, batches, card.num_real)
        with replacing(path.with_suffix(".json")) as aside:
            aside.write_text(protocol.to_json(card) + "\n")
    if real.measure(chosen) or is_new:
        write_npz(path, **_to_arrays(real))
        _partial(path, card).unlink(missing_ok=True)
    return real


def _open(
    path: AnyPath, card: protocol.RealCard, empty: Statistics
) -> RealStatistics | None:
    """Returns what a file holds; nothing if a metric needs more."""
    _check_card(path, card)
    try:
        return from_arrays(_read(path), empty)
    except KeyError as error:
        logging.warning("%s has no %s: gathering it again", path, error)
        return None


def _check_card(path: AnyPath, card: protocol.RealCard) -> None:
    beside = path.with_suffix(".json")
    try:
        stored = dict(**json.loads(beside.read_text()))
    # A missing card is as bad as a broken one.
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{path} should have its protocol card in {beside}: remove both, "
            "and they are made again"
        ) from error
    protocol.require_same(card, stored, f"{path}")


def _gather(
    real: RealStatistics,
    partial: AnyPath,
    network: FeatureNetwork,
    batches: Iterator[tuple[np.ndarray, np.ndarray]],
    total: int,
) -> None:
    """Adds the images that `real` lacks, saving it to `partial` at times."""
    saved, pause = time.monotonic(), _SECONDS_BETWEEN_SAVES
    with progress_bar(total, description="real", initial=real.count) as bar:
        for images, labels in batches:
            logits, features = network(images)
            # The border of the halves may lie within a batch.
            cut = min(max(total // 2 - real.count, 0), len(labels))
            for half, part in zip(real.halves, (slice(cut), slice(cut, None))):
                half.update(
                    logits[part], features[part], labels[part], images[part]
                )
            bar.update(len(labels))
            if time.monotonic() - saved > pause:
                begun = time.monotonic()
                write_npz(partial, **_to_arrays(real))
                saved = time.monotonic()
                # Gigabytes of features take a while.
                pause = _SECONDS_BETWEEN_SAVES + 10 * (saved - begun)


def _resume(partial: AnyPath, empty: Statistics) -> RealStatistics:
    if partial.exists():
        try:
            real = from_arrays(_read(partial), empty)
            logging.info("real statistics go on behind image %d", real.count)
            return real
        except (UserError, KeyError):
            logging.warning("%s is broken: starting again", partial)
    return RealStatistics(empty.empty(), empty.empty())


def _batches(
    dataset: ImageDataset | ImageSet,
    num_examples: int,
    batch_size: int,
    start: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the images from `start` on."""
    if isinstance(dataset, ImageSet):
        yield from dataset.batches(batch_size, num_examples, start)
        return
    batches: Iterable = dataset.ordered_batches(
        batch_size, num_examples=num_examples
    )
    for images, labels in batches.skip(start // batch_size):
        # Only the first can have images that are done already.
        done = start % batch_size
        start -= done
        seen = to_rgb(images.numpy()[done:], dataset.background)
        yield seen, labels.numpy()[done:]


def _partial(path: AnyPath, card: protocol.RealCard) -> AnyPath:
    return path.with_name(f".{path.stem}.{protocol.digest(card)}.partial.npz")


def _to_arrays(real: RealStatistics) -> dict[str, np.ndarray]:
    first, second = (half.state() for half in real.halves)
    return {
        **named("half0", first),
        **named("half1", second),
        **named("reference", real.references),
    }


def from_arrays(
    arrays: dict[str, np.ndarray], empty: Statistics
) -> RealStatistics:
    """Returns the statistics in a file's arrays, with the parts of `empty`.

    Raises:
        KeyError: if a part is missing.
    """
    references = nested(arrays, "reference")
    return RealStatistics(
        empty.restored(nested(arrays, "half0")),
        empty.restored(nested(arrays, "half1")),
        {name: float(value) for name, value in references.items()},
    )


def _read(path: AnyPath) -> dict[str, np.ndarray]:
    try:
        return archives.read(path)
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(
            f"{path} should hold statistics of real images: remove it, and "
            "they are gathered again"
        ) from error
