"""An evaluator: sound measures only, and every score by its name."""

import dataclasses
import types

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, protocol, tfgan
from sagan_tf.evaluation.evaluator import Evaluator
from sagan_tf.evaluation.numerics import rows
from sagan_tf.evaluation.protocol import Card
from sagan_tf.evaluation.sets import given_statistics, halves
from sagan_tf.evaluation.sets.real_statistics import RealStatistics
from sagan_tf.evaluation.sets.set_statistics import Statistics

CLASSES = 3


def some_images(count, seed=0, shift=0.0, scale=0.2):
    random = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    images = random.normal(shift, scale, (count, 8, 8, 3))
    images += 0.2 * labels[:, None, None, None]
    return np.clip(images, -1, 1).astype(np.float32), labels


def batches(images, labels, size):
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        yield images[part], labels[part]


def real_statistics(network, images, labels, num_classes=CLASSES):
    setting = metrics.Setting("", num_classes, network=network)
    needs = metrics.needs(metrics.applicable(setting), of_real=True)
    both = [Statistics.of(network, needs, num_classes) for _ in range(2)]
    middle = len(images) // 2
    for half, part in zip(both, (slice(middle), slice(middle, None))):
        half.update(*network(images[part]), labels[part])
    return RealStatistics(*both)


def data(num_classes=CLASSES, name=""):
    """The little of a data set that an evaluator asks for."""
    return types.SimpleNamespace(
        name=name, num_classes=num_classes, channels=3, background="white"
    )


def card(num_generated, num_real=300, **changes):
    fields = {
        "network": "toy",
        "network_hash": "0",
        "resize": "none",
        "data": "noise",
        "split": "train",
        "num_real": num_real,
        "num_generated": num_generated,
    }
    return Card(**{**fields, **changes})


@pytest.fixture
def evaluator(toy_network):
    real = real_statistics(toy_network, *some_images(300))
    return Evaluator(toy_network, real, data())


@pytest.fixture
def known_network(toy_network):
    """The toy with an accuracy, as trained classifiers have it."""
    toy_network.test_accuracy = 0.99
    yield toy_network
    toy_network.test_accuracy = None


def test_a_bar_counts_the_images(evaluator, bars):
    images, labels = some_images(200, seed=1)
    evaluator.score(batches(images, labels, 60), card(200, step=4))
    # Files are of no step.
    evaluator.score(batches(images[:150], labels[:150], 60), card(150))
    assert bars() == [("step 4", 0, 200, 200), ("fake", 0, 150, 150)]


def test_scores_are_those_of_tfgan_on_the_same_features(evaluator, toy_network):
    images, labels = some_images(200, seed=1, shift=0.1)
    values = evaluator.score(batches(images, labels, 60), card(200)).values
    logits, fake = (tf.constant(x, tf.float64) for x in toy_network(images))
    real = tf.constant(toy_network(some_images(300)[0])[1], tf.float64)
    theirs = tfgan.load().eval
    fid = theirs.frechet_classifier_distance_from_activations(real, fake)
    kid = theirs.kernel_classifier_distance_from_activations(
        real[:200], fake, max_block_size=100
    )
    score = theirs.classifier_score_from_logits(logits)
    assert values["fid200_toy"] == pytest.approx(float(fid), rel=1e-4)
    assert values["kid200_toy"] == pytest.approx(float(kid), rel=1e-4)
    assert values["is200_toy"] == pytest.approx(float(score), rel=1e-4)
    assert values["tfgan_fid200_toy"] == pytest.approx(float(fid), rel=1e-12)
    assert values["tfgan_is200_toy"] == pytest.approx(float(score), rel=1e-12)


def test_each_score_is_there(evaluator):
    scores = evaluator.score(batches(*some_images(200, 1), 60), card(200))
    assert list(scores.values) == [
        "fid200_toy",
        "is200_toy",
        "is_splits200_toy",
        "is_splits_deviation200_toy",
        "kid200_toy",
        "kid_subsets200_toy",
        "kid_subsets_deviation200_toy",
        "precision200_toy",
        "recall200_toy",
        "density200_toy",
        "coverage200_toy",
        "nearer200_toy",
        "intra_fid200_toy",
        "class_variety200_toy",
        "tfgan_fid200_toy",
        "tfgan_is200_toy",
        "halves_fid",
        "real_is",
        "halves_precision",
        "halves_recall",
        "halves_density",
        "halves_coverage",
        "halves_nearer",
    ]


def names_of_tfgan(evaluator):
    scores = evaluator.score(batches(*some_images(200, 1), 60), card(200))
    return [name for name in scores.values if name.startswith("tfgan")]


def test_tfgan_scores_what_there_is_memory_for(evaluator, monkeypatch):
    # Five features and six logits, 4 bytes each.
    monkeypatch.setattr(rows, "_HELD_BYTES", 200 * 5 * 4)
    assert names_of_tfgan(evaluator) == ["tfgan_fid200_toy"]
    evaluator.tfgan_check = False
    assert not names_of_tfgan(evaluator)


def test_what_lies_in_a_file_scores_the_same(toy_network, monkeypatch):
    def scores():
        real = real_statistics(toy_network, *some_images(300))
        evaluator = Evaluator(toy_network, real, data(), tfgan_check=False)
        images, labels = some_images(200, seed=1)
        return evaluator.score(batches(images, labels, 60), card(200)).values

    expected = scores()
    monkeypatch.setattr(rows, "_HELD_BYTES", 0)
    assert scores() == pytest.approx(expected, rel=1e-6)
    assert expected["intra_fid200_toy"] > 0


@pytest.mark.parametrize("size", [1, 7, 200])
def test_batch_size_does_not_matter(evaluator, size):
    images, labels = some_images(200, seed=1)
    expected = evaluator.score(batches(images, labels, 50), card(200)).values
    found = evaluator.score(batches(images, labels, size), card(200)).values
    for name, value in expected.items():
        assert found[name] == pytest.approx(
            value, rel=1e-4, abs=1e-5, nan_ok=True
        )


def test_of_the_moments_of_somebody_nobody_knows_the_data(
    toy_network, tmp_path
):
    _, features = toy_network(some_images(300)[0])
    path = tmp_path / "moments.npz"
    np.savez(path, mu=features.mean(0), sigma=np.cov(features.T))
    real, _ = given_statistics.open_moments(str(path), toy_network)
    twins = data(CLASSES, "twins")
    twins.channels, twins.background = 4, "black"
    evaluator = Evaluator(toy_network, real, twins)
    assert evaluator.num_classes == 0 and not evaluator.references
    # Alpha is laid on the run's own background all the same.
    assert (evaluator.channels, evaluator.background) == (4, "black")
    images, labels = some_images(200, seed=1)
    opaque = np.concatenate([images, np.ones_like(images[..., :1])], axis=-1)
    values = evaluator.score(batches(opaque, labels, 60), card(200)).values
    assert "fid200_toy" in values
    assert not {n for n in values if "intra" in n or "coherence" in n}
    twins.channels = 3
    names = {m.name for m in Evaluator(toy_network, real, twins).metrics}
    assert not names & {"intra_fid", "class_variety", "coherence"}


def test_collapse_is_seen(evaluator):
    images, labels = some_images(201, seed=1)
    good = evaluator.score(batches(images, labels, 50), card(201)).values
    # The third class shows one image only.
    images[labels == 2] = images[2]
    poor = evaluator.score(batches(images, labels, 50), card(201)).values
    name = "class_variety201_toy"
    assert good[name] > 0.7 and poor[name] < 1e-6
    assert poor["recall201_toy"] < good["recall201_toy"]
    assert poor["intra_fid201_toy"] > good["intra_fid201_toy"]


def test_coherence_of_twins_is_counted(toy_network):
    real = real_statistics(toy_network, *some_images(300))
    evaluator = Evaluator(toy_network, real, data(name="twins"))
    images, labels = some_images(60)
    images[:] = -0.9
    images[::2, 2:5, 1:3, 0] = images[::2, 2:5, 5:7, 0] = 0.9
    images[:, 0, 0] = np.random.default_rng(0).uniform(-1, -0.8, (60, 3))
    values = evaluator.score(batches(images, labels, 16), card(60)).values
    assert values["coherence60"] == 0.5
    # A half of one colour meets another such half every second time.
    assert 0 < values["coherence_shuffled60"] < 0.5
    # Red is the only colour.
    assert values["hue_coverage60"] == 0


def test_classes_with_few_images_have_no_intra_fid(evaluator):
    values = evaluator.score(batches(*some_images(12), 5), card(12)).values
    assert not [name for name in values if name.startswith("intra")]
    evaluator.force = True
    values = evaluator.score(batches(*some_images(12), 5), card(12)).values
    assert "intra_fid12_toy" in values


@pytest.mark.parametrize(
    "counts, force, message",
    [
        ((7, 4), True, "scores need 8 real and 4 generated"),
        ((8, 3), True, "Received: 8 and 3"),
        ((300, 5), False, "a FID needs more than 5 images"),
    ],
)
def test_too_few_images_are_refused(toy_network, counts, force, message):
    with pytest.raises(UserError, match=message):
        halves.check_counts(toy_network, *counts, force)


def test_few_images_are_warned_of(toy_network, caplog):
    halves.check_counts(toy_network, 1000, 1000, False)
    assert not caplog.records
    halves.check_counts(toy_network, 1000, 999, False)
    assert "are biased" in caplog.text
    halves.check_counts(toy_network, 8, 4, True)


def test_halves_of_sound_images_are_near_each_other(evaluator):
    real = evaluator.references
    images, labels = some_images(300, shift=0.6)
    values = evaluator.score(batches(images, labels, 50), card(300)).values
    assert real["halves_fid"] < 0.1 * values["fid300_toy"]
    assert real["halves_precision"] > 0.8 and real["halves_recall"] > 0.8
    assert 1 < real["real_is"] < 6
    assert "real_accuracy" not in real


def test_images_out_of_order_stop_the_run(toy_network, caplog):
    images, labels = some_images(300)
    images[150:] *= -1
    real = real_statistics(toy_network, images, labels)
    with pytest.raises(UserError, match="not be in mixed order") as caught:
        Evaluator(toy_network, real)
    assert "\n" not in str(caught.value)
    Evaluator(toy_network, real, force=True)
    assert "not be in mixed order" in caplog.text


def test_equal_images_stop_the_run(toy_network):
    images = np.zeros((20, 8, 8, 3), np.float32)
    real = real_statistics(toy_network, images, np.zeros(20, int))
    with pytest.raises(UserError, match="look the same to toy"):
        Evaluator(toy_network, real, force=True)


def test_unrecognised_images_stop_the_run(known_network):
    images, labels = some_images(300)
    with pytest.raises(UserError, match=r"recognise 89% .* \(it knew 99.0%"):
        Evaluator(
            known_network,
            real_statistics(known_network, images, labels, 6),
            data(known_network.num_classes),
        )
    known = known_network(images)[0].argmax(1)
    sound = Evaluator(
        known_network,
        real_statistics(known_network, images, known, 6),
        data(known_network.num_classes),
    )
    assert sound.references["real_accuracy"] == 1
    values = sound.score(batches(images, known, 50), card(300)).values
    assert values["accuracy300_toy"] == 1


@pytest.mark.parametrize("num_classes", [0, CLASSES])
def test_labels_of_other_classes_have_no_accuracy(known_network, num_classes):
    images, labels = some_images(300)
    labels = labels if num_classes else np.zeros_like(labels)
    real = real_statistics(known_network, images, labels, num_classes)
    evaluator = Evaluator(known_network, real, data(num_classes))
    assert "real_accuracy" not in evaluator.references
    values = evaluator.score(batches(images, labels, 50), card(300)).values
    names = {protocol.metric_of(name) for name in values}
    assert "fid" in names and "accuracy" not in names
    assert ("intra_fid" in names) == bool(num_classes)


def test_card_stays_with_the_scores(evaluator):
    ours = dataclasses.replace(card(200), step=7, seed=3)
    assert evaluator.score(batches(*some_images(200), 60), ours).card == ours
