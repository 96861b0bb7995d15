"""The PyTorch networks' own numbers, on weights that a formula gives."""

import numpy as np
import pytest

from sagan_tf.errors import UserError
from sagan_tf.interop import assignment, heykeetae
from sagan_tf.networks import DCGANDiscriminator, DCGANGenerator
from tests.interop import pytorch_files, pytorch_reference

OUTPUTS, ATTENTION = 1e-4, 1e-5


@pytest.fixture(scope="module")
def states():
    return pytorch_reference.state_dicts("heykeetae", kernel="weight_bar")


@pytest.fixture(scope="module")
def networks(states):
    return heykeetae.convert(*states)


@pytest.fixture(scope="module")
def expected():
    return pytorch_reference.outputs("heykeetae")


def test_architecture_is_told_from_the_arrays(networks):
    for network in networks:
        assert network.image_size == 64
        assert network.base_channels == 64
    generator, discriminator = networks
    assert generator.latent_dim == 128
    assert generator.attention_resolutions == (16, 32)
    assert discriminator.attention_resolutions == (8, 4)


def test_vectors_are_those_of_the_fixture():
    """A vector of ours, of which the fixture holds the shape alone."""
    matrix = np.random.default_rng(1).normal(size=(5, 7)).astype(np.float32)
    for each in (matrix, matrix.T):
        left, singular, _ = np.linalg.svd(each)
        found = pytorch_reference.left_vector(each)
        np.testing.assert_allclose(np.abs(found @ left[:, 0]), 1, rtol=1e-5)
        assert singular[0] > 1.1 * singular[1]


def test_generator_with_moving_statistics(networks, expected):
    images, scores = networks[0](
        expected["z"], training=False, return_attention_scores=True
    )
    np.testing.assert_allclose(
        images, expected["generator_eval"], rtol=0, atol=OUTPUTS
    )
    # The fixture has some of the queries.
    for size, every, name in ((16, 37, "g1"), (32, 97, "g2")):
        np.testing.assert_allclose(
            scores[size][:, ::every],
            expected[f"attention_{name}"],
            rtol=0,
            atol=ATTENTION,
        )


def test_discriminator(networks, expected):
    logits, scores = networks[1](
        expected["images"], training=False, return_attention_scores=True
    )
    np.testing.assert_allclose(
        logits[:, 0], expected["logits"], rtol=0, atol=OUTPUTS
    )
    for size, name in ((8, "d1"), (4, "d2")):
        np.testing.assert_allclose(
            scores[size],
            expected[f"attention_{name}"],
            rtol=0,
            atol=ATTENTION,
        )


def test_generator_with_batch_statistics(networks, expected):
    weights = networks[0].get_weights()
    images = networks[0](expected["z"], training=True)
    np.testing.assert_allclose(
        images, expected["generator_train"], rtol=0, atol=OUTPUTS
    )
    networks[0].set_weights(weights)


def small_states(image_size=32, prefix=""):
    """State dicts of narrow networks, as PyTorch would name them."""
    networks = (
        DCGANGenerator(image_size, latent_dim=6, base_channels=8),
        DCGANDiscriminator(image_size, base_channels=8),
    )
    states = []
    for network in networks:
        network.build_from_config({})
        states.append({})
        for layer, names in heykeetae._layers(network):
            for attribute, name in names.items():
                array = assignment.variable(layer, attribute).numpy()
                if array.ndim == 4:
                    array = array.transpose(3, 2, 0, 1)
                states[-1][prefix + name] = (
                    np.squeeze(array) if (attribute == "u") else array
                )
    return networks, states


@pytest.mark.parametrize(
    "write", [pytorch_files.write, pytorch_files.write_old]
)
def test_files_are_read(write, tmp_path):
    networks, states = small_states(prefix="module.")
    states[0]["module.l1.1.num_batches_tracked"] = np.int64(3)
    for name, state in zip("GD", states):
        write(tmp_path / f"7_{name}.pth", state)
    read = heykeetae.load(tmp_path / "7_G.pth")
    for ours, theirs in zip(read, networks):
        assert ours.image_size == 32
        for weight, given in zip(ours.get_weights(), theirs.get_weights()):
            np.testing.assert_array_equal(weight, given)


def test_wrong_arrays_are_listed():
    _, (generator, discriminator) = small_states()
    generator["l1.0.module.bias"] = np.zeros(3, np.float32)
    generator["l9"] = generator.pop("attn2.gamma")
    with pytest.raises(UserError) as caught:
        heykeetae.convert(generator, discriminator, "here.pth")
    message = str(caught.value)
    for part in (
        "missing: attn2.gamma",
        "left over: l9",
        "misfitting: l1.0.module.bias (expected (32,), received (3,))",
        "heykeetae",
        "here.pth",
    ):
        assert part in message
    assert "\n" not in message


def test_other_networks_are_refused():
    _, states = small_states()
    with pytest.raises(UserError, match="3 to 7 layers. Received: .* with 0"):
        heykeetae.convert({"a": np.ones(3)}, states[1])
    del states[0]["last.0.weight"]
    with pytest.raises(UserError, match="should hold last.0.weight"):
        heykeetae.convert(*states)
    with pytest.raises(UserError, match="is fixed. Received: \\(16,\\)"):
        heykeetae.load("10_G.pth", (16,))
