"""The generators and discriminators, built of `sagan_tf.layers`."""

from sagan_tf.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from sagan_tf.networks.freezing import FREEZABLE, freeze
from sagan_tf.networks.frozen import FrozenGenerator
from sagan_tf.networks.resnet import Discriminator, Generator

__all__ = [
    "FREEZABLE",
    "DCGANDiscriminator",
    "DCGANGenerator",
    "Discriminator",
    "FrozenGenerator",
    "Generator",
    "freeze",
]
