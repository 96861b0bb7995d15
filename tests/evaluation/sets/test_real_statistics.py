"""Real statistics: one pass, whatever the batches, kills and devices."""

import json

import numpy as np
import pytest

from sagan_tf import storage
from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation.metrics import METRICS, Metric
from sagan_tf.evaluation.numerics.moments import frechet_distance
from sagan_tf.evaluation.protocol import RealCard
from sagan_tf.evaluation.sets import gathering, real_statistics
from sagan_tf.evaluation.sets.gathering import Sizes
from sagan_tf.evaluation.sets.real_statistics import load_or_gather
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.user_cache import CACHE_VARIABLE

COUNT = 45
NEEDS = ("moments", "class_score", "features", "labels")


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("twins", image_size=32, num_examples=COUNT)


def card(**changes):
    fields = {
        "network": "toy",
        "network_hash": "0123456789abcdef",
        "resize": "bilinear to 8",
        "data": "twins",
        "split": "train",
        "num_real": COUNT,
    }
    return RealCard(**{**fields, **changes})


def gather(path, network, dataset, batch_size=10, **changes):
    return load_or_gather(
        path,
        card=card(**changes),
        network=network,
        dataset=dataset,
        batch_size=batch_size,
    )


def assert_same(first, second):
    for ours, theirs in zip(first.halves, second.halves):
        ours, theirs = ours.state(), theirs.state()
        assert list(ours) == list(theirs)
        for name in ours:
            np.testing.assert_allclose(
                ours[name], theirs[name], rtol=1e-5, atol=1e-5, err_msg=name
            )


@pytest.mark.parametrize("batch_size", [1, 22, 23, 100])
def test_batch_size_does_not_matter(tmp_path, toy_network, dataset, batch_size):
    expected = gather(tmp_path / "a.npz", toy_network, dataset)
    found = gather(tmp_path / "b.npz", toy_network, dataset, batch_size)
    assert_same(found, expected)
    assert [half.count for half in found.halves] == [22, 23]


def test_whole_is_both_halves(tmp_path, toy_network, dataset):
    whole = gather(tmp_path / "a.npz", toy_network, dataset).whole()
    images, labels = next(iter(dataset.ordered_batches(COUNT)))
    expected = Statistics.of(toy_network, NEEDS, 10)
    expected.update(*toy_network(images), labels.numpy())
    assert whole.count == COUNT
    np.testing.assert_array_equal(whole.labels, labels)
    np.testing.assert_allclose(whole.features, expected.features, rtol=1e-5)
    np.testing.assert_allclose(
        whole.moments.covariance, expected.moments.covariance, rtol=1e-5
    )
    assert whole.parts["class_score"].result() == pytest.approx(
        expected.parts["class_score"].result(), rel=1e-5
    )


class Counting:
    """A network that counts images and may break."""

    def __init__(self, network, limit=10**9):
        self.network = network
        self.limit = limit
        self.count = 0
        self.num_classes = network.num_classes
        self.num_features = network.num_features
        self.test_accuracy = None

    def __call__(self, images):
        if self.count + len(images) > self.limit:
            raise KeyboardInterrupt
        self.count += len(images)
        return self.network(images)


@pytest.mark.parametrize("in_store", [False, True])
def test_what_is_kept_is_not_gathered_again(
    tmp_path, toy_network, dataset, in_store, monkeypatch
):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    place = storage.at(f"ram:/{tmp_path}") if in_store else tmp_path
    path = place / "deep" / "a.npz"
    expected = gather(path, toy_network, dataset)
    counting = Counting(toy_network)
    assert_same(gather(path, counting, dataset), expected)
    assert counting.count == 0
    stored = json.loads(path.with_suffix(".json").read_text())
    assert stored["network"] == "toy" and stored["num_real"] == COUNT
    assert sorted(p.name for p in path.parent.iterdir()) == ["a.json", "a.npz"]


def test_killed_pass_goes_on_behind_its_last_batch(
    tmp_path, toy_network, dataset, monkeypatch, bars
):
    monkeypatch.setattr(real_statistics, "_SECONDS_BETWEEN_SAVES", -1)
    expected = gather(tmp_path / "a.npz", toy_network, dataset)
    first = Counting(toy_network, limit=30)
    path = tmp_path / "b.npz"
    with pytest.raises(KeyboardInterrupt):
        gather(path, first, dataset)
    assert first.count == 30 and not path.exists()
    # Another batch size: the border lies within a batch.
    second = Counting(toy_network)
    found = gather(path, second, dataset, batch_size=7)
    assert second.count == COUNT - 30
    whole = ("real", 0, COUNT, COUNT)
    killed, resumed = ("real", 0, 30, COUNT), ("real", 30, COUNT, COUNT)
    assert bars() == [whole, killed, resumed]
    assert_same(found, expected)


def test_broken_rest_of_a_killed_pass_is_begun_again(
    tmp_path, toy_network, dataset, monkeypatch
):
    monkeypatch.setattr(real_statistics, "_SECONDS_BETWEEN_SAVES", -1)
    path = tmp_path / "b.npz"
    with pytest.raises(KeyboardInterrupt):
        gather(path, Counting(toy_network, limit=30), dataset)
    (partial,) = tmp_path.glob(".*.partial.npz")
    partial.write_bytes(partial.read_bytes()[:100])
    counting = Counting(toy_network)
    assert gather(path, counting, dataset).count == counting.count == COUNT


def test_rest_of_another_protocol_is_not_gone_on_with(
    tmp_path, toy_network, dataset, monkeypatch
):
    monkeypatch.setattr(real_statistics, "_SECONDS_BETWEEN_SAVES", -1)
    path = tmp_path / "b.npz"
    with pytest.raises(KeyboardInterrupt):
        gather(path, Counting(toy_network, limit=30), dataset)
    counting = Counting(toy_network)
    gather(path, counting, dataset, data="other twins")
    assert counting.count == COUNT


def test_all_features_are_kept_where_there_is_memory(
    tmp_path, toy_network, dataset, monkeypatch
):
    monkeypatch.setattr(gathering, "KEPT_FEATURES", 7)
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    images, _ = next(iter(dataset.ordered_batches(COUNT)))
    _, expected = toy_network(images)
    # The second time from the file.
    for _ in range(2):
        whole = gather(path, toy_network, dataset).whole()
        np.testing.assert_allclose(whole.held("features"), expected, rtol=1e-5)
        np.testing.assert_allclose(whole.features, expected[:7], rtol=1e-5)


def test_first_features_only_are_gathered_again_where_classes_need_all(
    tmp_path, toy_network, dataset, caplog
):
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    with np.load(path) as file:
        arrays = dict(file)
    arrays["half0.features.rows"] = arrays["half0.features.rows"][:7]
    np.savez(path, **arrays)
    counting = Counting(toy_network)
    gather(path, counting, dataset)
    assert counting.count == COUNT
    assert "has no 'features of all images'" in caplog.text


def test_other_protocol_is_refused(tmp_path, toy_network, dataset):
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    with pytest.raises(UserError) as caught:
        gather(path, toy_network, dataset, split="test", network_hash="bb")
    assert str(caught.value) == (
        f"{path} was made by another protocol: network_hash: expected 'bb', "
        "received '0123456789abcdef'; split: expected 'test', received 'train'"
    )


@pytest.mark.parametrize("text", [None, "", "[]", "3", "{"])
def test_missing_or_broken_card_is_refused(
    tmp_path, toy_network, dataset, text
):
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    beside = path.with_suffix(".json")
    beside.unlink() if text is None else beside.write_text(text)
    with pytest.raises(UserError, match="should have its protocol card"):
        gather(path, toy_network, dataset)


@pytest.mark.parametrize("length", [0, 100, -10])
def test_broken_statistics_are_refused(tmp_path, toy_network, dataset, length):
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(UserError, match="remove it, and they are gathered"):
        gather(path, toy_network, dataset)


def test_parts_of_several_devices_merge(toy_network, dataset):
    images, labels = next(iter(dataset.ordered_batches(COUNT)))
    labels = labels.numpy()
    logits, features = toy_network(images)
    whole = Statistics.of(toy_network, NEEDS, 10)
    whole.update(logits, features, labels)
    parts = [Statistics.of(toy_network, NEEDS, 10) for _ in range(3)]
    for index, part in enumerate(parts):
        some = slice(15 * index, 15 * index + 15)
        part.update(logits[some], features[some], labels[some])
        if index:
            parts[0].merge(part)
    merged = parts[0]
    np.testing.assert_array_equal(merged.features, whole.features)
    assert merged.parts["class_score"].result() == pytest.approx(
        whole.parts["class_score"].result(), rel=1e-12
    )
    assert frechet_distance(merged.moments, whole.moments) < 1e-9
    np.testing.assert_array_equal(merged.labels, labels)


def test_without_classes_the_first_features_are_kept(monkeypatch):
    monkeypatch.setattr(gathering, "KEPT_FEATURES", 7)
    part = Statistics(Sizes(2, 3), NEEDS)
    for _ in range(3):
        part.update(np.ones((5, 2)), np.ones((5, 3)), np.zeros(5, int))
    assert (part.features.shape, part.count) == ((7, 3), 15)
    assert part.rows("features") is None and part.held("features") is None


def old_state(half):
    """A half as a file of before 2026 has it."""
    state = half.state()
    del state["count"]
    state["features"] = state.pop("features.rows")
    state["hits"] = np.int64(3)
    return state


def test_a_file_of_before_opens_and_is_completed(tmp_path, toy_network):
    dataset = open_dataset(
        "twins", image_size=32, num_examples=COUNT, num_classes=0
    )
    path = tmp_path / "a.npz"
    expected = gather(path, toy_network, dataset)
    arrays = {
        f"half{number}.{key}": value
        for number, half in enumerate(expected.halves)
        for key, value in old_state(half).items()
    }
    np.savez(path, **arrays)
    counting = Counting(toy_network)
    found = gather(path, counting, dataset)
    assert counting.count == 0
    assert_same(found, expected)
    assert found.references == pytest.approx(expected.references)
    with np.load(path) as stored:
        assert "reference.halves_fid" in stored.files


def test_what_real_images_score_is_measured_once(
    tmp_path, toy_network, dataset, monkeypatch
):
    path = tmp_path / "a.npz"
    expected = gather(path, toy_network, dataset).references
    assert set(expected) == {
        *("halves_fid", "halves_precision", "halves_recall", "real_is"),
        *("halves_density", "halves_coverage", "halves_nearer"),
    }
    monkeypatch.setattr(real_statistics, "Comparison", None)
    assert gather(path, toy_network, dataset).references == expected


def test_what_a_new_metric_needs_is_gathered(
    tmp_path, toy_network, dataset, monkeypatch, caplog
):
    path = tmp_path / "a.npz"
    gather(path, toy_network, dataset)
    metric = Metric(
        "toy", lambda pair: 1.0, needs=("hues",), reference="halves"
    )
    monkeypatch.setitem(METRICS, "toy", metric)
    counting = Counting(toy_network)
    found = gather(path, counting, dataset)
    assert counting.count == COUNT and "has no 'hues'" in caplog.text
    assert found.references["halves_toy"] == 1
    assert found.whole().parts["hues"].joined().shape == (COUNT, 2)
