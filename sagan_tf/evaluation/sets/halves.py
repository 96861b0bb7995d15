"""Is the measure itself sound? Real images are scored before others."""

from __future__ import annotations

from typing import Mapping

from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.sets.set_statistics import Statistics

# Halves of the real images and generated images need four each.
FEWEST_IMAGES = 4
# Images below which a warning is due, as multiples of the features.
_SENSIBLE_MULTIPLE = 5
_SENSIBLE_LEAST = 1000
# Two halves of one set may differ by so much of its own variance.
_LARGEST_SHARE = 0.25
_LEAST_ACCURACY = 0.9
# A network of hard classes knows its own data at least about so well.
_LARGEST_LOSS = 0.1


def check_counts(
    network: FeatureNetwork, num_real: int, num_generated: int, force: bool
) -> None:
    """Refuses too few images, and warns of few.

    Args:
        force: whether a FID of fewer images than features is wanted.

    Raises:
        UserError: if there are too few.
    """
    fewest = min(num_real // 2, num_generated)
    if fewest < FEWEST_IMAGES:
        raise UserError(
            f"scores need {2 * FEWEST_IMAGES} real and {FEWEST_IMAGES} "
            f"generated images. Received: {num_real} and {num_generated}"
        )
    dimension = network.num_features
    counts = f"{num_real} real and {num_generated} generated images"
    if min(num_real, num_generated) <= dimension and not force:
        raise UserError(
            f"a FID needs more than {dimension} images, the number of "
            f"features of {network.name}. Received: {counts}; "
            "sagan_tf.evaluate --force has it nevertheless"
        )
    sensible = max(_SENSIBLE_MULTIPLE * dimension, _SENSIBLE_LEAST)
    if min(num_real, num_generated) < sensible:
        logging.warning(
            "scores of %s are biased: compare them with scores of as many "
            "only, or take %d or more",
            counts,
            sensible,
        )


def check(
    network: FeatureNetwork,
    real: Statistics,
    references: Mapping[str, float],
    force: bool = False,
) -> None:
    """Refuses a measure by which real images do not look like real images.

    Args:
        references: what they score by themselves, and half against half.
        force: whether an implausible score is a warning only.

    Raises:
        UserError: if a score is implausible, with the likely cause.
    """
    if real.moments.variance <= 1e-12:
        raise UserError(
            f"all real images look the same to {network.name}: likely they "
            "are one image, or the network ignores its input"
        )
    problem = _problem(network, real, references)
    if problem and not force:
        raise UserError(
            f"{problem}; sagan_tf.evaluate --force goes on nevertheless"
        )
    if problem:
        logging.warning("%s", problem)


def _problem(
    network: FeatureNetwork,
    real: Statistics,
    references: Mapping[str, float],
) -> str:
    """Returns what is wrong with the scores and why, or nothing."""
    largest = _LARGEST_SHARE * real.moments.variance
    distance = references["halves_fid"]
    if distance > largest:
        few = real.count <= 4 * network.num_features
        cause = (
            f"{real.count} images are too few for {network.num_features} "
            "features"
            if few
            else "the images may not be in mixed order, or of two kinds"
        )
        return (
            "real images against real images should score a FID below "
            f"{largest:.3g}. Received: {distance:.3g}: likely {cause}"
        )
    accuracy = references.get("real_accuracy", 1.0)
    known = network.test_accuracy or 1.0
    least = min(_LEAST_ACCURACY, known - _LARGEST_LOSS)
    if accuracy < least:
        return (
            f"{network.name} should recognise {least:.0%} of the "
            f"real images. Received: {accuracy:.1%}: likely they are not the "
            f"data that it learned (it knew {known:.1%} of "
            "those), or their labels are mixed up"
        )
    return ""
