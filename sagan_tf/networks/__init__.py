"""The generators and discriminators, built of `sagan_tf.layers`."""

from sagan_tf.networks.resnet import Discriminator, Generator

__all__ = ["Discriminator", "Generator"]
