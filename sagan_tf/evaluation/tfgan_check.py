"""TF-GAN's scores of the same features and logits, which ours must equal."""

from __future__ import annotations

from typing import Mapping

import numpy as np
from absl import logging

from sagan_tf.errors import UserError
from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.numerics.moments import frechet_distance
from sagan_tf.evaluation.sets.set_statistics import Statistics

# A share of scores above 1; of smaller ones, the difference itself.
TOLERANCE = 1e-4
# TF-GAN takes no roots of smaller eigenvalues: `classifier_metrics.py`,
# `_symmetric_matrix_square_root`.
_LEAST_EIGENVALUE = 1e-10


def scores_of_tfgan(
    real: Statistics, fake: Statistics, ours: Mapping[str, float]
) -> dict[str, float]:
    """Returns the scores that TF-GAN computes, having compared them with ours.

    The distance is that of all features. A set whose features are not all kept
    comes in as vectors of the same mean and covariance: of it TF-GAN has a say
    on the distance, and not on the moments.

    Args:
        ours: our `fid` of them, and `is` of the generated images.

    Returns:
        The same of TF-GAN's; no `is` where the logits are not kept.

    Raises:
        UserError: if one differs from ours by more than `TOLERANCE`.
    """
    theirs = {"fid": _distance(real, fake, ours["fid"])}
    logits = fake.held("logits")
    if logits is None:
        logging.info(
            "TF-GAN's is is left out: the logits of all %d images take too "
            "much memory",
            fake.count,
        )
        return theirs
    theirs["is"] = tfgan.class_score(logits)
    _require("is", ours["is"], theirs["is"])
    return theirs


def _distance(real: Statistics, fake: Statistics, ours: float) -> float:
    theirs = tfgan.frechet_distance(
        _features(real, "real"), _features(fake, "generated")
    )
    if not _agree(ours, theirs):
        moments = real.moments, fake.moments
        without = frechet_distance(*moments, least=_LEAST_EIGENVALUE)
        roots = without - frechet_distance(*moments)
        _require("fid", ours + roots, theirs)
        logging.warning(
            "TF-GAN's fid is %g, ours %g: these features have many eigenvalues "
            "below %g, and TF-GAN leaves out their roots",
            theirs,
            ours,
            _LEAST_EIGENVALUE,
        )
    return theirs


def _features(statistics: Statistics, name: str) -> np.ndarray:
    features = statistics.held("features")
    if features is not None:
        return features
    logging.info(
        "TF-GAN's fid takes the %d %s images by their mean and covariance: "
        "all their features take too much memory",
        statistics.count,
        name,
    )
    return statistics.moments.typical_features()


def _agree(ours: float, theirs: float) -> bool:
    return abs(ours - theirs) <= TOLERANCE * max(1.0, abs(theirs))


def _require(metric: str, ours: float, theirs: float) -> None:
    # Nothing agrees with NaN.
    if not _agree(ours, theirs):
        raise UserError(
            f"{metric} should be TF-GAN's to {TOLERANCE:g}. Received: "
            f"{ours:.8g}, and {theirs:.8g} from TF-GAN for the same images. "
            "Please report it; sagan_tf.evaluate --notfgan_check scores "
            "without TF-GAN"
        )
