"""TF-GAN's scores beside ours: equal, or the scoring stops."""

import numpy as np
import pytest

from sagan_tf.errors import UserError
from sagan_tf.evaluation import tfgan, tfgan_check
from sagan_tf.evaluation.numerics.moments import frechet_distance
from sagan_tf.evaluation.sets.gathering import Sizes
from sagan_tf.evaluation.sets.set_statistics import Statistics


def statistics_of(features, kept=True):
    count, num_features = features.shape
    needs = ["moments", "class_score", "features", "logits"]
    result = Statistics(Sizes(4, num_features, keep_features=kept), needs)
    logits = np.random.default_rng(0).normal(0, 3, (count, 4))
    result.update(logits, features, np.zeros(count))
    return result


def normal(count, seed, scale=1.0, length=6):
    random = np.random.default_rng(seed)
    return random.normal(seed, scale, (count, length)).astype(np.float32)


def two_sets(kept=True):
    return (
        statistics_of(normal(90, 0), kept),
        statistics_of(normal(80, 1, scale=1.5), kept),
    )


def our_scores(real, fake):
    return {
        "fid": frechet_distance(real.moments, fake.moments),
        "is": fake.parts["class_score"].result(),
    }


def compare(real, fake, **ours):
    given = {**our_scores(real, fake), **ours}
    return tfgan_check.scores_of_tfgan(real, fake, given)


def test_scores_of_tfgan_are_ours(caplog):
    real, fake = two_sets()
    expected = our_scores(real, fake)
    assert compare(real, fake) == pytest.approx(expected, rel=1e-6)
    assert not caplog.records


@pytest.mark.parametrize("which", ["mean", "scatter"])
def test_wrong_moments_stop_the_scoring(which):
    real, fake = two_sets()
    value = getattr(fake.moments, which)
    setattr(fake.moments, which, value * 1.001)
    with pytest.raises(UserError, match="fid should be TF-GAN's") as caught:
        compare(real, fake)
    line = str(caught.value)
    assert "\n" not in line and "--notfgan_check" in line
    ours = frechet_distance(real.moments, fake.moments)
    assert f"Received: {ours:.8g}, and " in line


@pytest.mark.parametrize("name", ["fid", "is"])
def test_a_wrong_score_stops_the_scoring(name):
    real, fake = two_sets()
    wrong = our_scores(real, fake)[name] * 1.001
    with pytest.raises(UserError, match=f"{name} should be .* {wrong:.8g}, "):
        compare(real, fake, **{name: wrong})


@pytest.mark.parametrize(
    "scale, share, agree",
    [
        # A share of what is above 1, the difference of what is below.
        (10.0, 0.9e-4, True),
        (10.0, 1.1e-4, False),
        (0.1, 0.9e-4, True),
        (0.1, 1.1e-4, False),
        (0.1, float("nan"), False),
    ],
)
def test_tolerance(scale, share, agree, monkeypatch):
    real = statistics_of(normal(90, 0))
    fake = statistics_of(normal(90, 0, scale=1 + scale))
    ours = frechet_distance(real.moments, fake.moments)
    assert (ours > 1) == (scale > 1)
    theirs = ours + share * max(1, ours)
    monkeypatch.setattr(tfgan, "frechet_distance", lambda *_: theirs)
    if agree:
        assert compare(real, fake)["fid"] == theirs
    else:
        with pytest.raises(UserError):
            compare(real, fake)


def test_sets_that_are_not_kept_come_in_by_their_moments(monkeypatch):
    monkeypatch.setattr("sagan_tf.evaluation.sets.gathering.KEPT_FEATURES", 20)
    said = []
    monkeypatch.setattr(
        tfgan_check.logging, "info", lambda text, *given: said.append(text)
    )
    # Four logits, 4 bytes each.
    monkeypatch.setattr(
        "sagan_tf.evaluation.numerics.rows._HELD_BYTES", 79 * 4 * 4
    )
    real, fake = two_sets(kept=False)
    fid = our_scores(real, fake)["fid"]
    assert compare(real, fake) == {"fid": pytest.approx(fid, rel=1e-6)}
    assert [text.split()[1] for text in said] == ["fid", "fid", "is"]


def test_roots_that_tfgan_leaves_out_do_not_stop_the_scoring(caplog):
    # Variances of 4e-6, whose product is below TF-GAN's least eigenvalue.
    sets = [normal(9000, seed, 2e-3, length=64) for seed in (0, 1)]
    sets = [statistics_of(features - features.mean(0)) for features in sets]
    ours = our_scores(*sets)["fid"]
    theirs = compare(*sets)["fid"]
    assert theirs - ours > 4e-4 > 100 * ours
    assert "leaves out their roots" in caplog.text
