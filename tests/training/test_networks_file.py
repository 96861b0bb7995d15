"""Networks alone in a file: each variable comes back, or an error."""

import numpy as np
import pytest

from sagan_tf.networks import DCGANDiscriminator, DCGANGenerator, Discriminator
from sagan_tf.training import networks_file


def built(kind, **options):
    network = kind(image_size=32, base_channels=8, **options)
    network.build_from_config({})
    return network


@pytest.fixture(scope="module")
def pair():
    return {
        "ema_generator": built(DCGANGenerator, latent_dim=4),
        "discriminator": built(DCGANDiscriminator),
    }


@pytest.fixture(scope="module")
def file(pair, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "networks.npz"
    networks_file.write(path, pair)
    return path


@pytest.mark.parametrize("name", ["ema_generator", "discriminator"])
def test_each_variable_comes_back(file, pair, name):
    other = type(pair[name]).from_config(pair[name].get_config())
    other.build_from_config({})
    for variable in other.variables:
        variable.assign(variable + 1.0)
    networks_file.restore(file, name, other)
    for variable, expected in zip(other.variables, pair[name].variables):
        np.testing.assert_allclose(variable, expected, rtol=2**-11, atol=2**-24)


def test_what_half_precision_cannot_hold_stays_whole(pair, tmp_path):
    network = pair["discriminator"]
    kernel = next(v for v in network.variables if "kernel" in v.name)
    before = kernel.numpy()
    kernel.assign(before + 1e5)
    networks_file.write(tmp_path / "a.npz", {"discriminator": network})
    kernel.assign(before)
    networks_file.restore(tmp_path / "a.npz", "discriminator", network)
    np.testing.assert_array_equal(kernel, before + np.float32(1e5))
    kernel.assign(before)


def test_another_network_is_refused_and_left_as_it_is(file, pair):
    other = built(Discriminator)
    before = other.get_weights()
    with pytest.raises(ValueError, match="here$"):
        networks_file.restore(file, "discriminator", other)
    with pytest.raises(ValueError, match="no generator$"):
        networks_file.restore(file, "generator", pair["ema_generator"])
    for value, expected in zip(other.get_weights(), before):
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("keep", [0, 10, 500, -30])
def test_a_broken_file_is_refused(file, pair, tmp_path, keep):
    path = tmp_path / "networks.npz"
    path.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(ValueError, match="networks.npz cannot be read"):
        networks_file.restore(path, "discriminator", pair["discriminator"])
