"""What of two sets of files moves their scores, and is none of their doing."""

from __future__ import annotations

import collections
from typing import Iterable, Sequence

from absl import logging

from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.images.image_sets import ImageSet

# Sizes that a warning names.
_NAMED = 3


def warn_of_files(
    network: FeatureNetwork, real: ImageSet | None, fake: ImageSet
) -> None:
    """Warns of types and sizes of files that differ, and of shrinking."""
    looks = {"--fake_dir": fake.look()}
    if real is not None:
        looks = {"--real_dir": real.look(), **looks}
    for what, number in (("types", 0), ("sizes", 1)):
        shares = {
            flag: _shares(found[number] for found in look)
            for flag, look in looks.items()
        }
        # An array is as good as files without loss.
        kinds = {text.replace("array", "PNG") for text in shares.values()}
        if len(kinds) > 1:
            logging.warning(
                "files of several %s, which moves the scores: %s",
                what,
                ", ".join(
                    f"{flag} has {text}" for flag, text in shares.items()
                ),
            )
    for flag, look in looks.items():
        warn_of_shrinking(network, flag, [size for _, size in look])


def warn_of_shrinking(
    network: FeatureNetwork, name: str, sizes: Sequence[tuple[int, int]]
) -> None:
    """Warns of images that shrink without a filter, as TF-GAN shrinks them.

    Args:
        sizes: width and height of each.
    """
    larger = sum(max(size) > network.input_size for size in sizes)
    if larger and not network.antialias:
        logging.warning(
            "%.0f%% of %s are larger than %d pixels and shrink without a "
            "filter, as in TF-GAN and the paper; sagan_tf.evaluate "
            "--resize=clean filters them",
            100 * larger / len(sizes),
            name,
            network.input_size,
        )


def _shares(found: Iterable[object]) -> str:
    counts = collections.Counter(
        "x".join(map(str, one)) if isinstance(one, tuple) else one
        for one in found
    )
    total = sum(counts.values())
    parts = [
        f"{name} {count / total:.0%}"
        for name, count in counts.most_common(_NAMED)
    ]
    rest = len(counts) - len(parts)
    return " and ".join([*parts, *([f"{rest} others"] if rest else [])])
