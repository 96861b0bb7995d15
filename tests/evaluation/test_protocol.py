"""Cards and names: what may be compared with what."""

import dataclasses
import json

import pytest

from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.protocol import Card, RealCard, metric_name


def real_card(**changes):
    fields = {
        "network": "inception",
        "network_hash": "aa",
        "resize": "bilinear to 299",
        "data": "folder",
        "split": "train",
        "num_real": 100,
    }
    return RealCard(**{**fields, **changes})


def card(**changes):
    fields = dataclasses.asdict(real_card())
    return Card(**{**fields, "num_generated": 50_000, **changes})


OWN = {"network": "twins-classifier", "num_generated": 10_000}


@pytest.mark.parametrize(
    "metric, changes, options, expected",
    [
        ("fid", {}, {}, "fid50k_train"),
        ("is", {}, {"split": False}, "is50k"),
        ("kid", {}, {"count": 10_000}, "kid10k_train"),
        ("fid", {"split": "test"}, {}, "fid50k_test"),
        ("fid", {"num_generated": 1234}, {}, "fid1234_train"),
        ("fid", OWN, {}, "fid10k_twins-classifier"),
        ("is", OWN, {"split": False}, "is10k_twins-classifier"),
        ("fid", {**OWN, "split": "test"}, {}, "fid10k_test_twins-classifier"),
        ("fid", {"truncation": 0.5}, {}, "fid50k_train_truncation0.5"),
        ("fid", {"weights": "generator"}, {}, "fid50k_train_raw"),
        (
            "class_variety",
            {"resize": "bicubic to 299, antialiased"},
            {},
            "cleanclass_variety50k_train",
        ),
        ("intra_fid", OWN, {}, "intra_fid10k_twins-classifier"),
        ("cas", OWN, {"network": False}, "cas10k"),
        ("cas", {"split": "test"}, {"network": False}, "cas50k_test"),
        (
            "hue_coverage",
            {**OWN, "split": "test", "weights": "generator"},
            {"network": False, "split": False},
            "hue_coverage10k_raw",
        ),
    ],
)
def test_name_is_the_protocol(metric, changes, options, expected):
    name = metric_name(metric, card(**changes), **options)
    assert name == expected
    assert protocol.metric_of(name) == metric


def test_difference_names_field_and_both_values():
    text = protocol.difference(real_card(), real_card(split="test"))
    assert text == "split: expected 'train', received 'test'"
    with pytest.raises(UserError) as caught:
        protocol.require_same(
            real_card(), real_card(network_hash="bb", num_real=7), "stats.npz"
        )
    assert str(caught.value) == (
        "stats.npz was made by another protocol: network_hash: expected 'aa', "
        "received 'bb'; num_real: expected 100, received 7"
    )


@pytest.mark.parametrize("field", [f.name for f in dataclasses.fields(Card)])
def test_each_field_of_the_protocol_tells_protocols_apart(field):
    value = getattr(card(), field)
    other = "another" if isinstance(value, str) else 77
    changed = dataclasses.replace(card(), **{field: other})
    differs = bool(protocol.difference(card(), changed))
    assert differs is (field not in ("step", "versions", "cas_test"))
    assert differs is (protocol.digest(card()) != protocol.digest(changed))


def test_missing_and_unknown_fields_are_differences():
    stored = json.loads(protocol.to_json(real_card()))
    assert not protocol.difference(real_card(), stored)
    del stored["split"]
    stored["colour"] = "grey"
    assert protocol.difference(real_card(), stored) == (
        "split: expected 'train', received None; "
        "colour: expected None, received 'grey'"
    )


def test_card_tells_versions():
    import tensorflow as tf

    assert json.loads(protocol.to_json(card()))["versions"]["tensorflow"] == (
        tf.__version__
    )


def test_a_row_of_before_is_of_floats():
    stored = json.loads(protocol.to_json(card()))
    assert stored.pop("pixels") == "bytes"
    assert protocol.from_json(json.dumps(stored)).pixels == "floats"
    assert protocol.from_json(protocol.to_json(card())) == card()


def test_a_card_says_what_networks_see_of_one_or_four_channels():
    cards = {
        channels: protocol.describe_data(
            open_dataset("digits", image_size=32, channels=channels)
        )
        for channels in (1, 3, 4)
    }
    what = "32x32, 10 classes"
    assert cards == {
        1: f"digits, channels 1 {what}, grey repeated",
        3: f"digits {what}",
        4: f"digits, channels 4 {what}, alpha on white",
    }
