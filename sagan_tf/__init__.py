"""Self-Attention Generative Adversarial Networks for TensorFlow 2."""

from sagan_tf.gan import SAGAN
from sagan_tf.networks import Discriminator, Generator

__version__ = "0.1.0"

__all__ = ["SAGAN", "Discriminator", "Generator"]
