"""From a generator that trains to a copy that only draws."""

from __future__ import annotations

from sagan_tf.networks.dcgan import DCGANGenerator
from sagan_tf.networks.frozen import FrozenGenerator
from sagan_tf.networks.frozen_dcgan import FrozenDCGANGenerator
from sagan_tf.networks.resnet import Generator

FREEZABLE = (Generator, DCGANGenerator)


def freeze(generator: Generator | DCGANGenerator) -> FrozenGenerator:
    """Returns an inference copy with kernels normalized and folded.

    Args:
        generator: a built generator; it is not changed.

    Returns:
        A module that is called like the generator and equals it up to
        rounding. It does not follow the generator: `refresh` reads it anew.
    """
    if not generator.built:
        generator.build_from_config({})
    if isinstance(generator, DCGANGenerator):
        return FrozenDCGANGenerator(generator)
    return FrozenGenerator(generator)
