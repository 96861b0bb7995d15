"""Is the measure itself sound? Real pictures are scored before others."""

from __future__ import annotations

from typing import NamedTuple

from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation.feature_network import FeatureNetwork
from sagan_tf.evaluation.moments import frechet_distance
from sagan_tf.evaluation.real_statistics import RealStatistics
from sagan_tf.evaluation.scores import precision_recall

# Halves of the real pictures and generated pictures need four each.
FEWEST_IMAGES = 4
# Pictures below which a warning is due, as multiples of the features.
_SENSIBLE_MULTIPLE = 5
_SENSIBLE_LEAST = 1000
# Two halves of one set may differ by so much of its own variance.
_LARGEST_FLOOR = 0.25
_LEAST_ACCURACY = 0.9


class Floor(NamedTuple):
    """What real pictures score against real pictures.

    Attributes:
        fid: Frechet distance of their two halves; the least that a generator
            can be expected to reach on so many pictures.
        precision: likewise, and about the most that it can reach.
        recall: likewise.
        inception_score: of all real pictures.
        accuracy: share that the classifier recognises; NaN where its classes
            are not those of the data.
    """

    fid: float
    precision: float
    recall: float
    inception_score: float
    accuracy: float

    def describe(self) -> str:
        """Return the floor in one line."""
        known = f", accuracy {self.accuracy:.2%}" if self.accuracy >= 0 else ""
        return (
            f"real against real pictures score FID {self.fid:.4g}, precision "
            f"{self.precision:.3f}, recall {self.recall:.3f}; real pictures "
            f"score IS {self.inception_score:.2f}{known}"
        )


def check_counts(
    network: FeatureNetwork, num_real: int, num_generated: int, force: bool
) -> None:
    """Refuse or warn of too few pictures.

    Args:
        network: whose features are compared.
        num_real: number of real pictures.
        num_generated: number of generated pictures.
        force: whether a FID of fewer pictures than features is wanted.

    Raises:
        UserError: if there are too few.
    """
    fewest = min(num_real // 2, num_generated)
    if fewest < FEWEST_IMAGES:
        raise UserError(
            f"scores need {2 * FEWEST_IMAGES} real and {FEWEST_IMAGES} "
            f"generated pictures. Received: {num_real} and {num_generated}."
        )
    dimension = network.num_features
    counts = f"{num_real} real and {num_generated} generated pictures"
    if min(num_real, num_generated) <= dimension and not force:
        raise UserError(
            f"a FID needs more than {dimension} pictures, the number of "
            f"features of {network.name}. Received: {counts}. Use --force to "
            "have it nevertheless."
        )
    sensible = max(_SENSIBLE_MULTIPLE * dimension, _SENSIBLE_LEAST)
    if min(num_real, num_generated) < sensible:
        logging.warning(
            "scores of %s are biased: compare them with scores of as many "
            "only, or take %d or more",
            counts,
            sensible,
        )


def measure_floor(
    network: FeatureNetwork,
    real: RealStatistics,
    *,
    num_classes: int,
    force: bool = False,
) -> Floor:
    """Score real pictures against real ones.

    Args:
        network: what they were seen through.
        real: both halves.
        num_classes: number of classes of the data; 0 without labels.
        force: whether an implausible floor is a warning only.

    Raises:
        UserError: if the floor is implausible, with the likely cause.
    """
    first, second = real.halves
    whole = real.whole()
    variance = whole.moments.variance
    if variance <= 1e-12:
        raise UserError(
            f"all real pictures look the same to {network.name}: likely they "
            "are one picture, or the network ignores its input."
        )
    manifold = precision_recall(first.features, second.features)
    # Without labels, or with those of other classes, every hit is chance.
    knows_classes = (
        hasattr(network, "test_accuracy") and num_classes == network.num_classes
    )
    floor = Floor(
        fid=frechet_distance(first.moments, second.moments),
        precision=manifold.precision,
        recall=manifold.recall,
        inception_score=whole.class_score.result(),
        accuracy=whole.accuracy if knows_classes else float("nan"),
    )
    problem = _problem(network, floor, variance, real.count)
    if problem and not force:
        raise UserError(problem + " Use --force to go on nevertheless.")
    if problem:
        logging.warning("%s", problem)
    return floor


def _problem(
    network: FeatureNetwork, floor: Floor, variance: float, count: int
) -> str:
    """Return what is wrong with the floor and why, or nothing."""
    if floor.fid > _LARGEST_FLOOR * variance:
        few = count <= 4 * network.num_features
        cause = (
            f"{count} pictures are too few for {network.num_features} features"
            if few
            else "the pictures may not be in mixed order, or of two kinds"
        )
        return (
            "real pictures against real pictures should score a FID below "
            f"{_LARGEST_FLOOR * variance:.3g}. Received: {floor.fid:.3g}: "
            f"likely {cause}."
        )
    if floor.accuracy < _LEAST_ACCURACY:
        return (
            f"{network.name} should recognise {_LEAST_ACCURACY:.0%} of the "
            f"real pictures. Received: {floor.accuracy:.1%}: likely they are "
            f"not the data that it learned (it knew {network.test_accuracy:.1%}"
            " of those), or their labels are mixed up."
        )
    return ""
