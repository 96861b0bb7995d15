"""What a configuration says reaches the networks."""

import pytest

from sagan_tf.configuration import builders
from tests.training import toy


def networks(**fields):
    config = toy.config(**fields)
    built = (
        builders.build_generator(config),
        builders.build_discriminator(config),
    )
    for network in built:
        network.build_from_config({})
    return built


@pytest.mark.parametrize(
    ("both", "generator", "expected"),
    [
        ("release", "same", (True, True)),
        ("release", "none", (False, True)),
        ("none", "same", (False, False)),
        ("none", "release", (True, False)),
        ("none", "tfgan", (True, False)),
    ],
)
def test_spectral_normalization_is_for_each_network(both, generator, expected):
    built = networks(
        model__spectral_normalization=both,
        model__generator_spectral_normalization=generator,
    )
    assert tuple(bool(n.spectral_layers()) for n in built) == expected
    if generator == "tfgan":
        layers = built[0].spectral_layers()
        assert layers["block_1/conv_1"].minimum_divisor == 1.0


def test_gates_start_where_they_are_told_to():
    for value in (0.0, 0.5):
        for network in networks(model__attention_gate_initial_value=value):
            assert network.diagnostics()["gate_16"] == value


def test_attention_is_replaced_in_both_networks():
    for network in networks(model__attention_replacement="residual"):
        assert network.attention_layers() == {}
        assert "residual_16" in [stage.name for _, stage in network.stages]
