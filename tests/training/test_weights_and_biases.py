"""A run's records in Weights & Biases, whose package a stand-in plays."""

import sys
import types

import numpy as np
import pytest

from sagan_tf import training_run
from sagan_tf.configuration import validation
from sagan_tf.errors import UserError
from sagan_tf.training.weights_and_biases import (
    WeightsAndBiases,
    import_package,
)
from sagan_tf.training.workdir import Workdir
from tests.training import toy


class Package:
    """What a run has asked of the package."""

    def __init__(self):
        self.opened, self.logged, self.metrics = [], [], []
        self.config = {}

    def init(self, **options):
        self.opened.append(options)
        return types.SimpleNamespace(
            log=self.logged.append,
            define_metric=lambda *names, **options: self.metrics.append(names),
            config=types.SimpleNamespace(
                update=lambda values, allow_val_change: self.config.update(
                    values
                )
            ),
        )

    def Image(self, array):  # noqa: N802
        return ("image", array.shape)


@pytest.fixture
def package(monkeypatch):
    found = Package()
    monkeypatch.setitem(sys.modules, "wandb", found)
    return found


def test_a_run_is_recorded_there_and_goes_on_there(package, tmp_path):
    workdir = Workdir(tmp_path / "run")
    config = toy.config(log__wandb="cats", train__num_steps=1)
    training_run.run(config, workdir)
    config.train.num_steps = 2
    training_run.run(config, workdir)
    first, second = package.opened
    assert first == second
    assert (first["project"], first["name"]) == ("cats", "run")
    assert first["id"] and first["dir"] == str(workdir.path)
    assert package.config == validation.flatten(config)
    losses = [each["step"] for each in package.logged if "d_loss" in each]
    assert losses == [1, 2]
    shown = {name for each in package.logged for name in each}
    assert {"samples", "real", "attention/generator", "change"} <= shown


def test_words_and_images_have_their_step(package, tmp_path):
    sink = WeightsAndBiases("cats", Workdir(tmp_path))
    sink.text(3, "warning", "all alike")
    sink.image(4, "sheet", np.zeros((2, 5, 3), np.uint8))
    assert package.logged == [
        {"step": 3, "warning": "all alike"},
        {"step": 4, "sheet": ("image", (2, 5, 3))},
    ]
    # A workdir whose run has not begun has nothing to be known by.
    assert package.opened[0]["id"] is None


def test_a_missing_package_is_said_before_anything_is_written(
    monkeypatch, tmp_path
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match="log.wandb needs the package wandb"):
        training_run.run(toy.config(log__wandb="x"), Workdir(tmp_path / "run"))
    assert not list(tmp_path.iterdir())


def test_a_release_for_another_protobuf_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "wandb.py").write_text("from json import Imports")
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="install wandb.*import name .Imports"):
        import_package()


def test_an_account_that_fails_is_one_line(package, tmp_path):
    def refuse(**options):
        raise RuntimeError("no API key\nconfigured")

    package.init = refuse
    with pytest.raises(UserError) as caught:
        WeightsAndBiases("x", Workdir(tmp_path))
    assert str(caught.value) == (
        "config.log.wandb=x: no API key; configured; WANDB_MODE=offline needs "
        "no account"
    )
