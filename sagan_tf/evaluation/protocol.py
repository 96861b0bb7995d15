"""What a score means: the protocol card and the names of the metrics.

A number without its recipe means nothing, so the name of a metric is its
recipe in short, and the card beside it is the recipe in full.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import re
from typing import Any, Mapping

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.image_sizes import words

# None changes what is measured, so none forbids a comparison.
_NOT_COMPARED = ("versions", "step", "cas_test")
# The network that metric names leave out, and the split of our own.
_PLAIN_NETWORK = "inception"
_PLAIN_SPLIT = "train"
# Begins the name of a network that learned other data than it looks at.
FOREIGN = "foreign-"
# Begins the card's word for the resizing of clean-fid, and then the metric's.
_CLEAN_RESIZE, _CLEAN = "bicubic", "clean"
_VERSIONS_OF = ("tensorflow", "tensorflow-gan", "numpy")


@dataclasses.dataclass(frozen=True)
class RealCard:
    """How statistics of real images came about.

    Attributes:
        network: name of the feature network.
        network_hash: digest of its weights.
        resize: how images come to its size.
        data: which images, in words or by a digest.
        split: `"train"`, `"test"`, `"folder"` for files given as such or
            `"statistics"` for those of somebody else.
        num_real: how many images.
        versions: the releases that scores were computed with.
    """

    network: str
    network_hash: str
    resize: str
    data: str
    split: str
    num_real: int
    versions: Mapping[str, str] = dataclasses.field(
        default_factory=lambda: {
            name: importlib.metadata.version(name) for name in _VERSIONS_OF
        }
    )


@dataclasses.dataclass(frozen=True)
class Card(RealCard):
    """The protocol of a row of scores.

    Attributes:
        num_generated: how many generated images.
        source: which images: `"generator"`, or a digest of a folder.
        labels: how the classes of generated images are chosen.
        truncation: size that no latent exceeds; 0 is none.
        seed: seed of the latents.
        statistics_mode: which statistics the batch normalization uses.
        weights: `"ema"` for the averaged generator or `"generator"`.
        pixels: whether the network sees images rounded to `"bytes"`, as in
            files, or the generator's `"floats"` (until 2026).
        step: step of the checkpoint; -1 if there is none.
        cas_test: which real images classifiers were tested with, if any were.
    """

    num_generated: int = 0
    source: str = "generator"
    labels: str = "balanced"
    truncation: float = 0.0
    seed: int = 0
    statistics_mode: str = "moving averages"
    weights: str = "ema"
    pixels: str = "bytes"
    step: int = -1
    cas_test: str = ""

    @property
    def title(self) -> str:
        """What stands above scores, and before a bar."""
        return f"step {self.step}" if self.step >= 0 else "fake"


def is_foreign(card: RealCard) -> bool:
    """Returns whether scores are through a network that learned other data."""
    return card.network.startswith(FOREIGN)


def describe_data(dataset: ImageDataset) -> str:
    """Returns what tells these images from others, in a few words.

    Files are known by their names, sizes or checksums, not by their place.
    """
    size, classes = words(dataset.image_size), dataset.num_classes or "no"
    seen = {1: ", grey repeated", 4: f", alpha on {dataset.background}"}
    return (
        f"{dataset.identity()} {size}, {classes} classes"
        f"{seen.get(dataset.channels, '')}"
    )


def from_json(text: str) -> Card:
    """Returns the card of a row; one of before has floats for pixels."""
    return Card(**{"pixels": "floats", **json.loads(text)})


def to_json(card: RealCard) -> str:
    """Returns a card as one line of JSON."""
    return json.dumps(dataclasses.asdict(card), sort_keys=True)


def fields_of(card: RealCard | Mapping[str, Any]) -> dict[str, Any]:
    """Returns the fields that two cards must share, by name."""
    if dataclasses.is_dataclass(card):
        card = dataclasses.asdict(card)
    return {key: card[key] for key in card if key not in _NOT_COMPARED}


def difference(
    expected: RealCard | Mapping[str, Any],
    received: RealCard | Mapping[str, Any],
) -> str:
    """Returns how two cards differ, in one line; empty if they agree."""
    ours, theirs = fields_of(expected), fields_of(received)
    names = [*ours, *(key for key in theirs if key not in ours)]
    return "; ".join(
        f"{name}: expected {ours.get(name)!r}, received {theirs.get(name)!r}"
        for name in names
        if ours.get(name) != theirs.get(name)
    )


def require_same(
    expected: RealCard | Mapping[str, Any],
    received: RealCard | Mapping[str, Any],
    what: str,
) -> None:
    """Refuses what was made by another protocol than the one that is wanted.

    Raises:
        UserError: if the cards differ, saying how.
    """
    differs = difference(expected, received)
    if differs:
        raise UserError(f"{what} was made by another protocol: {differs}")


def digest(card: RealCard) -> str:
    """Returns a short name of a protocol, for names of files."""
    text = json.dumps(fields_of(card), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def metric_name(
    metric: str,
    card: Card,
    *,
    count: int | None = None,
    split: bool = True,
    network: bool = True,
) -> str:
    """Returns the name under which a score is reported.

    It is `fid50k_train` through Inception and `fid10k_twins-classifier`
    through any other network, whose split is named unless it is the training
    split. What makes images better or worse by choice is named as well:
    `fid50k_train_truncation0.5`, and `fid50k_train_raw` without the average;
    and `cleanfid50k_train` by the resizing of clean-fid.

    Args:
        metric: `fid`, `is`, `kid`, `precision`, ...
        card: the protocol.
        count: number of generated images, if not all of the card's.
        split: whether the metric compares with real images.
        network: whether it looks through the feature network.
    """
    name = metric + short_count(card.num_generated if count is None else count)
    if network and card.resize.startswith(_CLEAN_RESIZE):
        name = _CLEAN + name
    plain = network and card.network == _PLAIN_NETWORK
    if split and (plain or card.split != _PLAIN_SPLIT):
        name += f"_{card.split}"
    if network and not plain:
        name += f"_{card.network}"
    if card.truncation:
        name += f"_truncation{card.truncation:g}"
    return f"{name}_raw" if card.weights == "generator" else name


def metric_of(name: str) -> str:
    """Returns `fid` for `fid50k_train`: a metric's name without protocol."""
    return re.match(f"(?:{_CLEAN})?([a-z_]*)", name).group(1)


def short_count(count: int) -> str:
    """Returns `50k` for 50,000 and `1234` for 1,234."""
    return f"{count // 1000}k" if count and not count % 1000 else str(count)
