"""Opening a run: which checkpoint, and what is refused."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import runs
from sagan_tf.configuration import builders
from sagan_tf.errors import UserError
from sagan_tf.evaluation.protocol import Card
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable
from sagan_tf.training.workdir import Workdir


@pytest.fixture
def copied(toy_run, tmp_path):
    shutil.copytree(toy_run, tmp_path / "run")
    return tmp_path / "run"


def restored(toy_run):
    run = runs.open_run(toy_run)
    gan = builders.build_gan(run.config)
    builders.build_checkpoints(run.config, run.workdir).restore_latest(gan)
    return run, gan


def assert_same(network, other):
    for variable, expected in zip(network.variables, other.variables):
        np.testing.assert_array_equal(variable, expected)


def test_both_generators_and_the_discriminator_are_those_of_training(toy_run):
    run, gan = restored(toy_run)
    assert run.step == 3
    assert_same(run.load_generator(), gan.ema_generator)
    assert_same(run.load_generator(averaged=False), gan.generator)
    assert_same(run.load_discriminator(), gan.discriminator)


def test_the_best_checkpoint_lies_in_a_place_of_its_own(copied):
    with pytest.raises(UserError, match="--checkpoint=all first"):
        runs.open_run(copied, "best")
    (copied / "checkpoints").rename(copied / "best")
    assert runs.open_run(copied, "best").step == 3
    assert runs.open_run(copied).step == 3


def scored(workdir, fids):
    table = ScoreTable(Workdir(workdir).scores)
    for step, fid in fids.items():
        card = Card("n", "0", "none", "noise", "train", 9, step=step)
        table.add(Scores(card, {"fid0_n": fid, "is0_n": fid}))


def test_the_best_is_that_of_the_scores(copied):
    scored(copied, {1: 9.0, 3: 4.0})
    assert runs.open_run(copied, "best").step == 3
    # As `evaluate --metric=is` leaves it, where more is better.
    (copied / "best").mkdir()
    choice = {"step": 1, "metric": "is", "protocol": ""}
    (copied / "best" / "choice.json").write_text(json.dumps(choice))
    with pytest.raises(UserError, match="step 1, the best by is") as caught:
        runs.open_run(copied, "best")
    assert "\n" not in str(caught.value)


def test_a_step_is_found_or_refused(toy_run):
    assert runs.open_run(toy_run, "3").step == 3
    with pytest.raises(UserError, match=r"has: \[3\]. Received: step 4"):
        runs.open_run(toy_run, "4")
    with pytest.raises(UserError, match="latest, best or a step"):
        runs.open_run(toy_run, "newest")


def test_a_missing_or_empty_workdir_is_refused(tmp_path):
    with pytest.raises(UserError, match="which is no directory"):
        runs.open_run(tmp_path / "none")
    with pytest.raises(UserError, match="no config.json"):
        runs.open_run(tmp_path)


def test_a_damaged_checkpoint_counts_as_none(copied):
    (data,) = copied.glob("checkpoints/*/state.data*")
    data.write_bytes(b"")
    with pytest.raises(
        UserError, match="should have a checkpoint. Received: none"
    ):
        runs.open_run(copied)


def test_classes_have_the_names_of_the_data_or_numbers(toy_run, monkeypatch):
    run = runs.open_run(toy_run)
    assert len(run.class_names()) == 10
    assert not any("class" in name for name in run.class_names())

    def gone(config):
        raise UserError("moved away")

    monkeypatch.setattr(builders, "class_names", gone)
    assert run.class_names()[:2] == ("class 0", "class 1")


def test_a_card_that_is_none_is_refused(copied):
    (copied / "card.json").write_text("[")
    with pytest.raises(UserError, match="card.json should be JSON"):
        runs.open_run(copied).card()


def test_whole_shares_of_a_class_draw_that_class(toy_run):
    source = runs.open_run(toy_run).source()
    latents = tf.random.stateless_normal((3, 4), (1, 2)).numpy()
    labels = np.array([0, 4, 9], np.int32)
    shares = np.eye(10, dtype=np.float32)[labels]
    np.testing.assert_allclose(
        source.draw(latents, shares), source.draw(latents, labels), atol=1e-5
    )
    mixed = source.draw(latents, np.full((3, 10), 0.1, np.float32))
    assert np.abs(mixed - source.draw(latents, labels)).max() > 1e-3
