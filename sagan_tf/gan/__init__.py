"""The training rule: the model, its losses, updates, average and latents."""

from sagan_tf.gan.model import SAGAN

__all__ = ["SAGAN"]
