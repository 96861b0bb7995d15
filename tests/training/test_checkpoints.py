"""Checkpoints are whole or not there."""

import json

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN, Discriminator, Generator, storage
from sagan_tf.errors import UserError
from sagan_tf.training.checkpoints import Checkpoints

OPTIONS = {"image_size": 32, "base_channels": 1, "attention_resolutions": ()}


def tiny_gan(latent_dim=2):
    gan = SAGAN(
        Generator(latent_dim=latent_dim, **OPTIONS), Discriminator(**OPTIONS)
    )
    adam = tf.keras.optimizers.legacy.Adam
    gan.compile(adam(1e-4), adam(4e-4))
    return gan


@pytest.fixture(scope="module")
def gan():
    return tiny_gan()


def save_steps(gan, checkpoints, *steps):
    for step in steps:
        gan.step.assign(step)
        checkpoints.save(gan)


@pytest.fixture(params=["disk", "store"])
def place(request, tmp_path):
    """A directory, and the same in a store that TensorFlow keeps in memory."""
    if request.param == "disk":
        return tmp_path
    return storage.at(f"ram:/{tmp_path}")


def test_the_newest_is_restored(gan, place):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1, 2)
    kernel = gan.generator.trainable_variables[0]
    saved = kernel.numpy()
    kernel.assign(saved + 1.0)
    gan.step.assign(9)
    assert checkpoints.restore_latest(gan) == 2
    assert int(gan.step.numpy()) == 2
    np.testing.assert_array_equal(kernel.numpy(), saved)


def test_without_checkpoints_a_run_starts_at_zero(gan, place):
    assert Checkpoints(place / "none").restore_latest(gan) == 0


def test_old_ones_go_but_milestones_stay(gan, place):
    checkpoints = Checkpoints(place, keep=2, keep_every=4)
    save_steps(gan, checkpoints, 2, 4, 6, 8, 10, 12)
    assert checkpoints.steps() == [4, 8, 10, 12]


def truncate(path):
    (data,) = path.glob("*.data*")
    data.write_bytes(data.read_bytes()[:-100])


def flip(path):
    """Damages the data and keeps their size."""
    (data,) = path.glob("*.data*")
    content = bytearray(data.read_bytes())
    for index in range(0, len(content), 7):
        content[index] ^= 0xFF
    data.write_bytes(content)


def drop_manifest(path):
    (path / "manifest.json").unlink()


@pytest.mark.parametrize("damage", [truncate, flip, drop_manifest])
def test_a_damaged_one_is_passed_over(gan, place, damage):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1, 2)
    damage(checkpoints.path(2))
    assert checkpoints.restore_latest(gan) == 1


def test_only_damaged_ones_are_an_error(gan, place):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1)
    truncate(checkpoints.path(1))
    with pytest.raises(UserError, match="1 damaged"):
        checkpoints.restore_latest(gan)


def test_a_failed_save_leaves_the_earlier_ones(gan, place, monkeypatch):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1)

    def full(*_, **__):
        raise tf.errors.ResourceExhaustedError(None, None, "no space left")

    monkeypatch.setattr(tf.train.Checkpoint, "write", full)
    gan.step.assign(2)
    with pytest.raises(OSError, match="no space left"):
        checkpoints.save(gan)
    assert checkpoints.steps() == [1]
    assert [path.name for path in place.iterdir()] == ["step_00000001"]


def test_the_averaged_generator_is_restored_alone(gan, place):
    checkpoints = Checkpoints(place)
    for variable in gan.ema_generator.trainable_variables:
        variable.assign_add(tf.ones_like(variable))
    save_steps(gan, checkpoints, 3)
    for averaged, source in (
        (True, gan.ema_generator),
        (False, gan.generator),
    ):
        other = tiny_gan().generator
        checkpoints.restore_generator(other, 3, averaged=averaged)
        for mine, theirs in zip(other.variables, source.variables):
            np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_a_generator_of_another_kind_is_refused(gan, place):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1)
    with pytest.raises(UserError, match="like this run's"):
        checkpoints.restore_generator(tiny_gan(latent_dim=3).generator, 1)
    with pytest.raises(UserError, match="step 7"):
        checkpoints.restore_generator(tiny_gan().generator, 7)


def test_the_manifest_lists_every_file(gan, place):
    checkpoints = Checkpoints(place)
    save_steps(gan, checkpoints, 1)
    path = checkpoints.path(1)
    sizes = json.loads((path / "manifest.json").read_text())["sizes"]
    assert set(sizes) == {
        entry.name for entry in path.iterdir() if entry.suffix != ".json"
    }


def begin(gan, checkpoints, step, monkeypatch):
    """Has a save into a store end where only a kill could end it."""
    with monkeypatch.context() as patch:
        patch.setattr(
            "sagan_tf.training.checkpoints.write_manifest", lambda *_: None
        )
        save_steps(gan, checkpoints, step)


def test_what_is_begun_in_a_store_is_not_there(gan, monkeypatch):
    checkpoints = Checkpoints("ram://begun")
    begin(gan, checkpoints, 1, monkeypatch)
    # A run that was killed before its first checkpoint starts afresh.
    assert checkpoints.steps() == [] and checkpoints.restore_latest(gan) == 0
    save_steps(gan, checkpoints, 2)
    begin(gan, checkpoints, 3, monkeypatch)
    assert checkpoints.steps() == [2] and checkpoints.restore_latest(gan) == 2
    checkpoints.clean()
    names = [path.name for path in checkpoints.directory.iterdir()]
    assert names == ["step_00000002"]


def test_one_that_is_replaced_in_a_store_is_never_half_there(gan, monkeypatch):
    checkpoints = Checkpoints("ram://replaced")
    save_steps(gan, checkpoints, 1, 2)
    begin(gan, checkpoints, 2, monkeypatch)
    assert checkpoints.steps() == [1]
    save_steps(gan, checkpoints, 2)
    assert checkpoints.steps() == [1, 2]
