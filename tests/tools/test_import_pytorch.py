"""From PyTorch's files to workdirs, at the command line."""

import ml_collections
import numpy as np
import pytest
import tensorflow as tf

from configs import paper
from sagan_tf import runs
from sagan_tf.configuration import builders, validation
from sagan_tf.training.workdir import Workdir
from tests.commands import assert_refused, call_each
from tests.interop import pytorch_files, studiogan_files, test_heykeetae
from tools import import_checkpoint


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("pytorch")


@pytest.fixture(scope="module")
def networks(place):
    """Networks by the implementation whose files hold them."""
    found = {}
    for name, make, files in (
        ("heykeetae", test_heykeetae.small_states, ("7_G.pth", "7_D.pth")),
        (
            *("studiogan", studiogan_files.states),
            ("model=G-a.pth", "model=D-a.pth"),
        ),
    ):
        found[name], states = make()
        for file, state in zip(files, states):
            pytorch_files.write(place / file, state)
    return found


@pytest.fixture(scope="module")
def answers(place, networks):
    def call(name, format, checkpoint):
        return [
            f"--format={format}",
            f"--checkpoint={place / checkpoint}",
            f"--workdir={place / name}",
        ]

    (place / "text_G.pth").write_text("nothing")
    calls = {
        "heykeetae": call("heykeetae", "heykeetae", "7_G.pth"),
        "studiogan": call("studiogan", "studiogan", "model=G-a.pth"),
        "other": call("other", "studiogan", "7_G.pth"),
        "missing": call("missing", "heykeetae", "8_G.pth"),
        "text": call("text", "heykeetae", "text_G.pth"),
        "name": call("name", "heykeetae", "7.pth"),
        "attention": [
            *call("attention", "heykeetae", "7_G.pth"),
            "--attention_resolutions=16",
        ],
    }
    found = call_each(
        "tools.import_checkpoint",
        calls.values(),
        ("format", "checkpoint", "workdir"),
    )
    return dict(zip(calls, found))


@pytest.mark.parametrize("name", ["heykeetae", "studiogan"])
def test_files_become_a_workdir(name, answers, networks, place):
    assert answers[name].status == 0, answers[name].err
    assert "sagan_tf.train" in answers[name].out
    generator, discriminator = networks[name]
    run = runs.open_run(place / name)
    for ours, theirs in (
        (run.load_generator(), generator),
        (run.load_generator(averaged=False), generator),
        (run.load_discriminator(), discriminator),
    ):
        assert type(ours) is type(theirs)
        for weight, expected in zip(ours.weights, theirs.weights):
            np.testing.assert_array_equal(weight, expected)
    # The arguments are as important as the weights.
    labels = np.array([1, 0], np.int32)
    latents = tf.random.stateless_normal((2, generator.latent_dim), (1, 2))
    images = tf.random.stateless_uniform((2, 32, 32, 3), (1, 2))
    for ours, theirs, inputs in (
        (run.load_generator(), generator, latents),
        (run.load_discriminator(), discriminator, images),
    ):
        inputs = [inputs, labels] if generator.num_classes else inputs
        np.testing.assert_array_equal(ours(inputs), theirs(inputs))


@pytest.mark.parametrize("name", ["heykeetae", "studiogan"])
def test_the_configuration_decides_nothing_that_the_files_tell(name, networks):
    """Even where its own attention is another."""
    base = paper.get_config()
    base.model.attention_replacement = "residual"
    base.model.generator_spectral_normalization = "none"
    config = import_checkpoint.describe(base, *networks[name], name)
    for build, theirs in zip(
        (builders.build_generator, builders.build_discriminator),
        networks[name],
    ):
        ours = build(config)
        ours.build_from_config({})
        assert [weight.shape for weight in ours.weights] == [
            weight.shape for weight in theirs.weights
        ]


def test_training_goes_on_from_it(answers, place):
    assert answers["studiogan"].status == 0
    workdir = Workdir(place / "studiogan")
    config = ml_collections.ConfigDict(validation.read_stored(workdir.config))
    gan = builders.build_gan(config)
    builders.build_checkpoints(config, workdir).restore_latest(gan)
    images = tf.random.stateless_uniform((2, 32, 32, 3), (1, 2))
    logs = gan.train_step((images, tf.constant([0, 2])))
    assert np.all(np.isfinite(list(logs.values())))
    assert gan.step.numpy() == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("other", ["PyTorch-StudioGAN", "7_G.pth", "with 0"]),
        ("missing", ["8_G.pth", "No such file"]),
        ("text", ["text_G.pth", ".pth file with the state dict"]),
        ("name", ["generator's file", "7.pth"]),
        ("attention", ["attention_resolutions", "(16,)"]),
    ],
)
def test_bad_input_is_refused_in_one_line(name, words, answers, place):
    assert_refused(answers[name], *words)
    assert not (place / name).exists()
