"""The generators and discriminators, built of `sagan_tf.layers`."""

from sagan_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from sagan_tf.networks.frozen import FrozenGenerator, freeze
from sagan_tf.networks.resnet import Discriminator, Generator

__all__ = [
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Discriminator",
    "FrozenGenerator",
    "Generator",
    "freeze",
]
