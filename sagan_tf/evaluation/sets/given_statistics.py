"""Real statistics in a file, where the real images are not there."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.images import archives
from sagan_tf.evaluation.sets import real_statistics
from sagan_tf.evaluation.sets.gathering import PARTS
from sagan_tf.evaluation.sets.real_statistics import RealStatistics
from sagan_tf.evaluation.sets.set_statistics import Statistics

_FLAG = "--real_statistics"


def is_moments(path: str) -> bool:
    """Returns whether a file holds `mu` and `sigma`, as TTUR's do.

    Raises:
        UserError: if it is no `.npz` file.
    """
    return storage.at(path).exists() and {"mu", "sigma"} <= _read(path).keys()


def open_moments(
    path: str, network: FeatureNetwork
) -> tuple[RealStatistics, protocol.RealCard]:
    """Returns somebody's `mu` and `sigma`; how they came about is unknown.

    Raises:
        UserError: if they are of other features.
    """
    arrays = _read(path)
    mean, covariance = (
        np.asarray(arrays[name], np.float64) for name in ("mu", "sigma")
    )
    length = network.num_features
    if (mean.shape, covariance.shape) != ((length,), (length, length)):
        raise UserError(
            f"{_FLAG}={path} should hold mu ({length},) and sigma ({length}, "
            f"{length}), the features of {network.name}. Received: "
            f"{mean.shape} and {covariance.shape}"
        )
    digest = hashlib.sha256(mean.tobytes() + covariance.tobytes()).hexdigest()
    card = protocol.RealCard(
        network=network.name,
        network_hash=network.hash,
        resize=network.resize,
        data=f"statistics {digest[:12]}, protocol unknown",
        split="statistics",
        num_real=0,
    )
    whole = Statistics.of(network, ["moments"])
    # As of two images, whose scatter is their covariance.
    whole.moments.restore({"count": 2, "mean": mean, "scatter": covariance})
    return RealStatistics(whole, whole.empty()), card


def name_of_data(path: str) -> str:
    """Returns the data set of statistics that this program has kept."""
    try:
        card = json.loads(storage.at(path).with_suffix(".json").read_text())
        return str(card["data"]).split()[0]
    except (OSError, ValueError, LookupError):
        # Then they are somebody's, or refused when they are opened.
        return "folder"


def open_kept(
    path: str, network: FeatureNetwork
) -> tuple[RealStatistics, protocol.RealCard]:
    """Returns statistics that this program has kept, and their card.

    Raises:
        UserError: if there are none, or they are of another network.
    """
    try:
        stored = json.loads(storage.at(path).with_suffix(".json").read_text())
        card = protocol.RealCard(**stored)
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{_FLAG}={path} should hold mu and sigma, or be statistics that "
            "this program has kept, with their card beside them"
        ) from error
    ours = {
        "network": network.name,
        "network_hash": network.hash,
        "resize": network.resize,
    }
    protocol.require_same(
        ours, {name: stored[name] for name in ours}, f"{_FLAG}={path}"
    )
    arrays = _read(path)
    needs = [
        n for n in PARTS if any(k.startswith(f"half0.{n}.") for k in arrays)
    ]
    empty = Statistics.of(network, needs, count=card.num_real)
    try:
        return real_statistics.from_arrays(arrays, empty), card
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{_FLAG}={path} should hold whole statistics: {error} is missing"
        ) from error


def _read(path: str) -> dict[str, np.ndarray]:
    try:
        return archives.read(path)
    # A broken archive raises errors of many kinds.
    except Exception as error:
        raise UserError(f"{_FLAG}={path} should be a file NAME.npz") from error
