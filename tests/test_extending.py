"""The examples of docs/extending.md and docs/own_loss.md work as they stand."""

import pathlib
import re
import sys
import types

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import Generator, runs
from sagan_tf.configuration import default, fields, validation
from sagan_tf.data import formats, open_dataset
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics
from sagan_tf.gan import losses
from sagan_tf.layers import ATTENTION
from tests.commands import assert_refused, call_each
from tests.training import toy
from tools import fields_reference

ROOT = pathlib.Path(__file__).parents[1]
TABLES = (
    ATTENTION,
    fields.FIELDS,
    formats.FORMATS,
    losses.LOSSES,
    metrics.METRICS,
)


def blocks(page, heading):
    """Returns the Python of a section of a page."""
    text = (ROOT / "docs" / page).read_text()
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def section():
    """Returns a call that runs a section of docs/extending.md."""
    before = [dict(table) for table in TABLES]

    def run(heading):
        names = {"__name__": "example"}
        for block in blocks("extending.md", heading):
            exec(block, names)
        return names

    yield run
    for table, entries in zip(TABLES, before):
        table.clear()
        table.update(entries)


def test_a_loss_with_a_penalty(section):
    section("A loss with a penalty")
    loss = losses.get("r1")
    zeros = tf.zeros((4, 1))
    assert float(loss.discriminator(zeros, zeros)) == pytest.approx(
        2 * np.log(2)
    )
    assert float(loss.generator(zeros)) == pytest.approx(np.log(2))
    points = loss.penalty.points(tf.ones((1, 2, 2, 3)), tf.zeros(()), None)
    assert float(loss.penalty.measure(points)) == 6.0


def test_a_metric(section):
    section("A metric")
    metric = metrics.METRICS["mean_distance"]
    assert metric in metrics.applicable(metrics.Setting("folder", 0))
    assert "mean_distance" in metrics.names_of_best()
    assert metric.compute(pair_of_means([1.0, 2.0], [4.0, 6.0])) == 5.0


def pair_of_means(*means):
    real, fake = (
        types.SimpleNamespace(moments=types.SimpleNamespace(mean=np.array(m)))
        for m in means
    )
    return types.SimpleNamespace(real=real, fake=fake)


def test_a_format(section, monkeypatch):
    names = section("A format of images")
    monkeypatch.setitem(formats.OPTIONS, "brightness", names["brightness"])
    module = types.SimpleNamespace(Stripes=names["Stripes"])
    monkeypatch.setitem(sys.modules, "sagan_tf.data.formats.stripes", module)
    dataset = open_dataset("stripes", path="x", image_size=32, brightness=7)
    images, labels = dataset.images(np.arange(8))
    assert images[:, 0, 0, 0].tolist() == [7, 107] * 4
    assert labels.tolist() == [0, 1] * 4


def test_a_field(section):
    old = default.get_config().to_dict()
    section("A field of the configuration")
    config = default.get_config()
    assert config.train.warmth == 1.0
    validation.validate(config)
    assert validation.complete(old).train.warmth == 1.0
    config.train.warmth = 2.0
    validation.check_same_model(config, old, "run")
    config.train.warmth = 0.0
    with pytest.raises(UserError, match="train.warmth should be a number abov"):
        validation.validate(config)
    assert "`train.warmth` (a number above 0, default `1.0`; may change)" in (
        fields_reference.markdown()
    )


def test_a_variant_of_attention(section):
    section("A variant of attention")
    generator = Generator(
        image_size=32,
        latent_dim=4,
        base_channels=2,
        attention_resolutions=(16,),
        attention_options={"gate_initializer": "ones"},
        attention_replacement="context",
    )
    assert generator(tf.ones((2, 4))).shape == (2, 32, 32, 3)
    assert generator.diagnostics()["gate_16"] == 1.0


SMALLER = """
of_the_page = get_config

def get_config(loss):
    config = of_the_page()
    config.update_from_flattened_dict({})
    config.model.discriminator_base_channels = 2
    config.model.attention_resolutions = ()
    config.loss = loss
    return config
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Two steps with the loss of the page, then with one that is nowhere."""
    folder = tmp_path_factory.mktemp("own")
    file = folder / "my_config.py"
    pair, config = (
        block
        for heading in ("In Python", "In a run")
        for block in blocks("own_loss.md", heading)
    )
    file.write_text(pair + config + SMALLER.format(toy.FIELDS))
    calls = [
        [f"--config={file}:least_squares", f"--workdir={folder / 'run'}"],
        [f"--config={file}:least_square", f"--workdir={folder / 'no'}"],
    ]
    return call_each("sagan_tf.train", calls, ("config", "workdir")), folder


def test_a_loss_of_a_configuration_trains(answers):
    (trained, refused), folder = answers
    assert trained.status == 0, trained.err
    assert "step 2 reached" in trained.out
    assert_refused(refused, "least_square", "did you mean least_squares?")
    assert not (folder / "no").exists()


def test_its_run_opens_where_nobody_knows_the_loss(answers):
    run = runs.open_run(answers[1] / "run")
    assert run.config.loss == "least_squares"
    assert run.step == 2 and run.load_generator().latent_dim == 4


def test_the_files_that_the_page_names_are_there():
    text = (ROOT / "docs" / "extending.md").read_text()
    named = set(re.findall(r"`((?:sagan_tf|tests)/[\w/.]*)`", text))
    assert len(named) > 5
    ours = "sagan_tf/data/formats/stripes.py"
    assert not [n for n in named - {ours} if not (ROOT / n).exists()]
