"""Statistics of the real pictures: gathered once, kept with their card."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Callable, Iterable, Iterator

import numpy as np
from absl import logging

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.statistics import Statistics, can_hold
from sagan_tf.whole_files import replacing

_SECONDS_BETWEEN_SAVES = 20.0

# Takes the number of pictures done.
Progress = Callable[[int], None]


class RealStatistics:
    """Real pictures in two halves, which are each other's floor.

    Args:
        halves: statistics of the first and of the second half.
    """

    def __init__(self, halves: tuple[Statistics, Statistics]) -> None:
        self.halves = halves

    @property
    def count(self) -> int:
        """Number of pictures."""
        return sum(half.count for half in self.halves)

    def whole(self) -> Statistics:
        """Return the statistics of all pictures."""
        first, second = self.halves
        whole = Statistics.from_state(
            first.state(), keep_features=first.all_features is not None
        )
        whole.merge(second)
        return whole


def load_or_gather(
    path: str | os.PathLike[str],
    *,
    card: protocol.RealCard,
    network: FeatureNetwork,
    dataset: ImageDataset,
    batch_size: int,
    progress: Progress | None = None,
) -> RealStatistics:
    """Return the statistics in a file, gathering and writing them if new.

    What is gathered is saved on the way: after a kill the next call goes on
    behind the last batches that were saved.

    Args:
        path: the file, `NAME.npz`; its card goes into `NAME.json`.
        card: the protocol that is wanted.
        network: what to look through.
        dataset: the real pictures, of which `card.num_real` are taken.
        batch_size: pictures at a time; the result does not depend on it.
        progress: called with the number of pictures done.

    Raises:
        UserError: if the file was made by another protocol, or is broken.
    """
    path = Path(path)
    keep_features = can_hold(card.num_real, network.num_features)
    if path.exists():
        _check_card(path, card)
        return _from_arrays(_read(path), keep_features)
    path.parent.mkdir(parents=True, exist_ok=True)
    real = _gather(
        path, card, network, dataset, batch_size, progress or (lambda done: 0)
    )
    _write_text(path.with_suffix(".json"), protocol.to_json(card) + "\n")
    _write(path, _to_arrays(real))
    _partial(path, card).unlink(missing_ok=True)
    return real


def _check_card(path: Path, card: protocol.RealCard) -> None:
    beside = path.with_suffix(".json")
    try:
        stored = dict(**json.loads(beside.read_text()))
        protocol.require_same(card, stored, f"{path}")
    except UserError:
        raise
    # A missing card is as bad as a broken one.
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(
            f"{path} should have its protocol card in {beside}: remove both, "
            "and they are made again."
        ) from error


def _gather(
    path: Path,
    card: protocol.RealCard,
    network: FeatureNetwork,
    dataset: ImageDataset,
    batch_size: int,
    progress: Progress,
) -> RealStatistics:
    partial = _partial(path, card)
    keep_features = can_hold(card.num_real, network.num_features)
    real = _resume(partial, network, dataset, keep_features)
    middle, saved = card.num_real // 2, time.monotonic()
    batches = _batches(dataset, card.num_real, real.count, batch_size)
    for images, labels in batches:
        logits, features = network(images)
        # The border of the halves may lie within a batch.
        cut = min(max(middle - real.count, 0), len(labels))
        for half, part in zip(real.halves, (slice(cut), slice(cut, None))):
            half.update(logits[part], features[part], labels[part])
        progress(real.count)
        if time.monotonic() - saved > _SECONDS_BETWEEN_SAVES:
            _write(partial, _to_arrays(real))
            saved = time.monotonic()
    return real


def _resume(
    partial: Path,
    network: FeatureNetwork,
    dataset: ImageDataset,
    keep_features: bool,
) -> RealStatistics:
    if partial.exists():
        try:
            real = _from_arrays(_read(partial), keep_features)
            logging.info("real statistics go on behind picture %d", real.count)
            return real
        except UserError:
            logging.warning("%s is broken: starting again", partial)
    empty = [
        Statistics.of(network, dataset.num_classes, keep_features=keep_features)
        for _ in range(2)
    ]
    return RealStatistics(tuple(empty))


def _batches(
    dataset: ImageDataset, num_examples: int, start: int, batch_size: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the pictures from `start` on."""
    batches: Iterable = dataset.ordered_batches(
        batch_size, num_examples=num_examples
    )
    for images, labels in batches.skip(start // batch_size):
        # Only the first can have pictures that are done already.
        done = start % batch_size
        start -= done
        yield images.numpy()[done:], labels.numpy()[done:]


def _partial(path: Path, card: protocol.RealCard) -> Path:
    return path.with_name(f".{path.stem}.{protocol.digest(card)}.partial.npz")


def _to_arrays(real: RealStatistics) -> dict[str, np.ndarray]:
    return {
        f"half{number}.{key}": value
        for number, half in enumerate(real.halves)
        for key, value in half.state().items()
    }


def _from_arrays(
    arrays: dict[str, np.ndarray], keep_features: bool
) -> RealStatistics:
    halves = [
        Statistics.from_state(
            {
                key.partition(".")[2]: value
                for key, value in arrays.items()
                if key.startswith(f"half{number}.")
            },
            keep_features,
        )
        for number in range(2)
    ]
    return RealStatistics(tuple(halves))


def _read(path: Path) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            return {key: arrays[key] for key in arrays.files}
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(
            f"{path} should hold statistics of real pictures: remove it, and "
            "they are gathered again."
        ) from error


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    # Given a name and no file, it would add an ending.
    with replacing(path) as aside, aside.open("wb") as file:
        np.savez(file, **arrays)


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as aside:
        aside.write_text(text)
