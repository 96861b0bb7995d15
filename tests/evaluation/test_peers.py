"""The same features score what other evaluators make of them."""

import json
import pathlib

import numpy as np
import pytest

from sagan_tf.evaluation.numerics import neighbours, scores
from sagan_tf.evaluation.numerics.moments import Moments, frechet_distance
from sagan_tf.evaluation.numerics.rows import Rows

PEERS = pathlib.Path(__file__).parents[1] / "fixtures" / "peers"


@pytest.fixture(scope="module")
def theirs():
    return json.loads((PEERS / "scores.json").read_text())


@pytest.fixture(scope="module")
def arrays():
    with np.load(PEERS / "features.npz") as file:
        return dict(file)


def test_fid_is_that_of_pytorch_fid_and_clean_fid(arrays, theirs):
    real, fake = (Moments.of(arrays[name]) for name in ("real", "fake"))
    found = frechet_distance(real, fake)
    assert found == pytest.approx(theirs["fid_pytorch_fid"], rel=1e-9)
    assert found == pytest.approx(theirs["fid_clean"], rel=1e-9)
    (fidelity,) = theirs["fid_torch_fidelity"].values()
    assert found == pytest.approx(fidelity, rel=1e-9)


@pytest.mark.parametrize("name, splits", [("isc1", 1), ("isc", 10)])
def test_inception_score_is_that_of_torch_fidelity(
    arrays, theirs, name, splits
):
    found = scores.class_score_of_splits(arrays["logits"], splits)
    tolerance = 1e-9 if splits == 1 else 1e-6
    mean, deviation = theirs[name].values()
    assert found.mean == pytest.approx(mean, rel=tolerance)
    assert found.deviation == pytest.approx(deviation, rel=tolerance)


def test_kid_is_within_the_spread_of_the_subsets(arrays, theirs):
    rows = []
    for name in ("real", "fake"):
        rows.append(Rows(64))
        rows[-1].update(arrays[name])
    found = scores.kernel_distance_of_subsets(*rows)
    mean, deviation = theirs["kid"].values()
    # Of the means of a hundred subsets, each tool's own.
    assert abs(found.mean - mean) < deviation / 2
    assert abs(found.mean - theirs["kid_clean"]) < deviation / 2
    assert found.deviation == pytest.approx(deviation, rel=0.3)


def test_neighbours_are_those_of_prdc_and_torch_fidelity(arrays, theirs):
    found = neighbours.compare(arrays["real"], arrays["fake"], 3, 3)
    for name, value in theirs["prdc"].items():
        assert getattr(found, name) == pytest.approx(value, abs=1e-12)
    for name in ("precision", "recall"):
        # Theirs are float32.
        assert getattr(found, name) == pytest.approx(
            theirs["prc"][name], abs=1e-7
        )
