"""Weights that come with the package open as a run does."""

import numpy as np
import pytest

from sagan_tf import pretrained, runs, train, weights
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from tests.training import toy

PLACE = weights.DIRECTORY


@pytest.fixture(autouse=True)
def _shelf(toy_weights, monkeypatch):
    monkeypatch.setattr(weights, "DIRECTORY", toy_weights)


def test_they_are_the_networks_of_their_run(toy_run):
    assert pretrained.names() == ["toy"]
    run = runs.open_run(toy_run)
    for network, expected in (
        (pretrained.load_generator("toy"), run.load_generator()),
        (pretrained.load_discriminator("toy"), run.load_discriminator()),
    ):
        assert network.get_config() == expected.get_config()
        for variable, value in zip(network.variables, expected.variables):
            # 11 bits, and 2 ** -24 where numbers are smallest.
            np.testing.assert_allclose(
                variable, value, rtol=2**-11, atol=2**-24
            )


def test_a_name_opens_as_a_run(toy_run):
    run, expected = runs.open_run("pretrained:toy"), runs.open_run(toy_run)
    assert run.step == expected.step == 3
    assert run.class_names() == expected.class_names()
    assert run.config.to_json() == expected.config.to_json()
    assert expected.card() == {}


def test_the_card_tells_where_they_come_from():
    card = pretrained.card("toy")
    assert (card["data"], card["license"]) == ("Twins", "CC0-1.0")
    assert card["step"] == 3 and len(card["class_names"]) == 10
    assert card["config"]["model"]["latent_dim"] == 4


@pytest.mark.parametrize("name", ["boy", "", "../toy", "."])
def test_another_name_is_refused_with_the_list(name):
    with pytest.raises(UserError, match=f"should be toy. Received: '{name}'"):
        pretrained.load_generator(name)


def test_without_any_the_error_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "DIRECTORY", tmp_path)
    with pytest.raises(UserError, match="should be there. Received: 'toy'"):
        pretrained.load_discriminator("toy")


def test_a_run_starts_from_them(tmp_path, capsys):
    config = toy.config(
        model__attention_resolutions=(8, 16),
        train__init_from="pretrained:toy",
    )
    train.run(config, Workdir(tmp_path / "new"), dry_run=True)
    said = capsys.readouterr().out
    assert "starts from     pretrained:toy, step 3\n" in said
    assert "afresh" not in said
    config.train.init_from = "pretrained:boy"
    with pytest.raises(UserError, match="train.init_from: .* should be toy"):
        train.run(config, Workdir(tmp_path / "other"), dry_run=True)


def test_no_training_goes_on_with_networks_alone():
    path = weights.directory("toy")
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    config = runs.open_run(path).config
    with pytest.raises(UserError, match="not networks alone: .*init_from"):
        train.run(config, Workdir(path), dry_run=True)
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def test_each_that_comes_along_draws(monkeypatch):
    monkeypatch.setattr(weights, "DIRECTORY", PLACE)
    folders = [path.name for path in PLACE.iterdir() if path.is_dir()]
    assert {*pretrained.names(), "__pycache__"} >= set(folders)
    for name in pretrained.names():
        run = runs.open_run(f"pretrained:{name}")
        source, card = run.source(), run.card()
        labels = np.arange(20) % max(source.num_classes, 1)
        images = source.draw(np.zeros((20, source.latent_dim)), labels)
        assert np.isfinite(images).all() and np.ptp(images) > 0.5
        assert card["license"] and card["data"] and card["scores"]
        assert not run.config.train.init_from
        assert str(PLACE.parents[1]) not in run.config.to_json()
