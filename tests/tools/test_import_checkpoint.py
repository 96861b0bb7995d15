"""From a TensorFlow 1 checkpoint to a workdir that training goes on with."""

import pathlib
import shlex
import shutil
import subprocess
import sys

import ml_collections
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from configs import default, imagenet128
from sagan_tf.configuration import builders, validation
from sagan_tf.errors import UserError
from sagan_tf.interop import release, tfgan
from sagan_tf.networks import Discriminator, Generator
from sagan_tf.training.workdir import Workdir
from tests.interop.test_heykeetae import small_states
from tools import import_checkpoint

ROOT = pathlib.Path(__file__).parents[2]
PREFIX = ROOT / "tests" / "fixtures" / "release" / "model.ckpt"


def run(**options):
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.run(
        [sys.executable, "-m", "tools.import_checkpoint", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def train_two_steps(command, images, workdir):
    """Runs the command that the import names, on noise."""
    random = np.random.RandomState(0)
    for name in "abcde":
        (images / name).mkdir(parents=True)
        noise = random.randint(0, 255, (128, 128, 3), np.uint8)
        Image.fromarray(noise).save(images / name / "0.png")
    assert command[:3] == ["python", "-m", "sagan_tf.train"]
    settings = [
        f"--config.dataset.path={images}",
        "--config.train.num_steps=2",
        "--config.train.steps_per_call=1",
        "--config.log.every_steps=1",
        "--config.log.sheet_columns=2",
        "--config.log.sheet_rows=1",
        "--config.checkpoint.every_steps=2",
    ]
    done = subprocess.run(
        [sys.executable, *command[1:], *settings],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    losses = (workdir / "metrics.jsonl").read_text()
    assert len(losses.splitlines()) == 2


def restore(workdir, steps=(0,)):
    """The model that training goes on with, as it was at step 0."""
    config = ml_collections.ConfigDict(validation.read_stored(workdir.config))
    gan = builders.build_gan(config)
    checkpoints = builders.build_checkpoints(config, workdir)
    assert checkpoints.steps() == list(steps)
    for step in steps[1:]:
        shutil.rmtree(checkpoints.path(step))
    checkpoints.restore_latest(gan)
    return gan


def draw(generator):
    latents = tf.random.stateless_normal((2, generator.latent_dim), (1, 2))
    return generator([latents, tf.constant([1, 0])], training=False)


def test_the_release_becomes_a_workdir(tmp_path):
    path = tmp_path / "run"
    done = run(
        format="release",
        checkpoint=PREFIX,
        workdir=path,
        **{
            "config": "configs/imagenet128.py",
            "config.dataset.name": "folder",
            "config.train.batch_size": 2,
        },
    )
    assert done.returncode == 0, done.stderr
    command = shlex.split(done.stdout.splitlines()[-1])
    train_two_steps(command, tmp_path / "images", path)
    gan = restore(Workdir(path), [0, 2])
    generator, discriminator = release.load(str(PREFIX))
    for ours, theirs in (
        (gan.generator, generator),
        (gan.ema_generator, generator),
        (gan.discriminator, discriminator),
    ):
        for weight, expected in zip(ours.get_weights(), theirs.get_weights()):
            np.testing.assert_array_equal(weight, expected)
    np.testing.assert_array_equal(draw(gan.ema_generator), draw(generator))
    before = (path / "config.json").read_bytes()
    again = run(format="release", checkpoint=PREFIX, workdir=path)
    assert again.returncode == 2
    assert "should not hold a run yet" in again.stderr
    assert "Traceback" not in again.stderr
    assert (path / "config.json").read_bytes() == before


@pytest.mark.parametrize("options", [{}, {"checkpoint": "nothing"}])
def test_wrong_flags_are_one_line(options, tmp_path):
    done = run(format="tfgan", workdir=tmp_path / "run", **options)
    assert done.returncode == 2
    (line,) = (text for text in done.stderr.splitlines() if "error:" in text)
    assert "checkpoint" in line
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


def build(options, attention):
    labels = tf.zeros((1,), tf.int32)
    generator = Generator(
        64,
        3,
        latent_dim=8,
        base_channels=4,
        attention_resolutions=attention[0],
        attention_options=dict(options.attention_options),
        **options.options,
        **options.generator_options,
    )
    discriminator = Discriminator(
        64,
        3,
        base_channels=8,
        attention_resolutions=attention[1],
        attention_options=dict(options.attention_options),
        **options.options,
    )
    generator([tf.zeros((1, 8)), labels])
    discriminator([tf.zeros((1, 64, 64, 3)), labels])
    return generator, discriminator


@pytest.mark.parametrize(
    ("name", "reader", "attention"),
    [
        ("tfgan", tfgan, ((16,), (16,))),
        ("release", release, ((16,), (32,))),
        ("release", release, ((), (16,))),
        ("release", release, ((), ())),
    ],
)
def test_any_pair_of_networks_survives(name, reader, attention, tmp_path):
    networks = build(reader.NAMING, attention)
    config = import_checkpoint.describe(
        imagenet128.get_config(), *networks, name
    )
    workdir = Workdir(tmp_path)
    import_checkpoint.write(config, *networks, workdir)
    gan = restore(workdir)
    np.testing.assert_array_equal(draw(gan.generator), draw(networks[0]))
    images = [draw(networks[0]), tf.constant([1, 2])]
    np.testing.assert_array_equal(
        gan.discriminator(images), networks[1](images)
    )


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("shards", "", ("shards", import_checkpoint.UNKNOWN_PATH)),
        ("shards", "here", ("shards", "here")),
        ("hdf5", "here.h5", ("hdf5", "here.h5")),
        ("tfds:celeb_a", "", ("tfds:celeb_a", "")),
        ("twins", "", ("folder", import_checkpoint.UNKNOWN_PATH)),
    ],
)
def test_the_data_stay_those_of_the_configuration(name, path, expected):
    base = imagenet128.get_config()
    base.dataset.name, base.dataset.path = name, path
    # Which folders do not have.
    base.dataset.evaluation_split = "test" if name == "twins" else ""
    networks = build(release.NAMING, ((16,), (16,)))
    config = import_checkpoint.describe(base, *networks)
    assert (config.dataset.name, config.dataset.path) == expected
    assert config.dataset.image_size == 64
    assert config.dataset.num_classes == 3
    command = import_checkpoint.training_command("imagenet128", config, "run")
    changed = expected[0] != "shards"
    assert (f"--config.dataset.name={expected[0]}" in command) == changed
    assert (f"--config.dataset.path={expected[1]}" in command) == bool(
        expected[1]
    )


def test_embedded_data_of_the_same_size_stay():
    base = default.get_config()
    base.dataset.num_classes = 0
    generator, discriminator = small_states()[0]
    config = import_checkpoint.describe(
        base, generator, discriminator, "heykeetae"
    )
    assert (config.dataset.name, config.dataset.path) == ("twins", "")


def test_networks_that_no_configuration_builds_are_refused(tmp_path):
    networks = build(release.NAMING, ((16,), (16,)))
    config = import_checkpoint.describe(imagenet128.get_config(), *networks)
    config.model.base_channels = 8
    with pytest.raises(UserError, match="that a configuration can describe"):
        import_checkpoint.write(config, *networks, Workdir(tmp_path))
    assert not (tmp_path / "config.json").exists()
