"""The PyTorch networks' own numbers, on weights that a formula gives."""

import numpy as np
import pytest

from sagan_tf.errors import UserError
from sagan_tf.interop import studiogan
from sagan_tf.networks import Generator
from tests.interop import pytorch_files, pytorch_reference, studiogan_files

OUTPUTS = 1e-4


@pytest.fixture(scope="module")
def networks():
    states = pytorch_reference.state_dicts("studiogan", kernel="weight_orig")
    return studiogan.convert(*states)


@pytest.fixture(scope="module")
def expected():
    return pytorch_reference.outputs("studiogan")


def assert_close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=OUTPUTS)


def test_architecture_is_told_from_the_arrays(networks):
    for network in networks:
        assert network.image_size == 128
        assert network.num_classes == 5
        assert network.base_channels == 8
        assert network.attention_resolutions == (64,)
    assert networks[0].latent_dim == 128


def test_generator(networks, expected):
    inputs = [expected["z"], expected["fake_labels"]]
    images = networks[0](inputs, training=False)
    assert_close(images, expected["generator_eval"])


def test_discriminator(networks, expected):
    for images, labels, logits in (
        ("images", "labels", "logits_real"),
        ("generator_eval", "fake_labels", "logits_fake"),
    ):
        inputs = [expected[images], expected[labels]]
        found = networks[1](inputs, training=False)
        assert_close(found[:, 0], expected[logits])


def test_deviation_norm_epsilon(networks, expected):
    """The release's epsilon would give other images."""
    config = {**networks[0].get_config(), "norm_epsilon": 1e-5}
    other = Generator.from_config(config)
    other.build_from_config({})
    other.set_weights(networks[0].get_weights())
    images = other([expected["z"], expected["fake_labels"]])
    difference = np.abs(images - expected["generator_eval"]).max()
    # Ours differ by 4e-7 with its own.
    assert difference > 1e-5


@pytest.mark.parametrize(
    ("image_size", "attention"), [(32, (16,)), (64, (8, 32)), (32, ())]
)
def test_files_are_read(image_size, attention, tmp_path):
    networks, states = studiogan_files.states(image_size, attention)
    for name, state in zip(("G_ema", "D"), states):
        pytorch_files.write(
            tmp_path / f"model={name}-best-weights-step=8.pth",
            state,
            lambda tensors: {"step": 8, "state_dict": tensors},
        )
    path = tmp_path / "model=G_ema-best-weights-step=8.pth"
    for ours, theirs in zip(studiogan.load(path), networks):
        assert sorted(ours.attention_resolutions) == list(attention)
        for weight, given in zip(ours.get_weights(), theirs.get_weights()):
            np.testing.assert_array_equal(weight, given)


def test_wrong_arrays_are_refused_in_one_line():
    _, (generator, discriminator) = studiogan_files.states(attention=())
    with pytest.raises(UserError, match="3 to 7 residual blocks"):
        studiogan.convert({"a": np.ones(3)}, discriminator)
    del generator["bn4.bias"]
    generator["info.weight"] = np.ones(3)
    with pytest.raises(UserError) as caught:
        studiogan.convert(generator, discriminator, "here.pth")
    message = str(caught.value)
    for part in ("missing: bn4.bias", "left over: info.weight", "here.pth"):
        assert part in message
    assert "\n" not in message
    del generator["blocks.0.0.bn1.gain.weight_orig"]
    with pytest.raises(UserError, match="should hold blocks.0.0.bn1.gain"):
        studiogan.convert(generator, discriminator)
    with pytest.raises(UserError, match="tell the place. Received: \\(16,\\)"):
        studiogan.load("model=G-a.pth", (16,))
