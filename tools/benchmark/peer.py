"""TF-GAN's example of SAGAN, from its installed wheel, as calls.

Its networks are functions of a TF1 graph. The step is what its estimator runs:
the generator's update, then the discriminator's, each in a call of the session
that computes all that it needs, with the hinge loss, Adam and the updates of
the spectral normalization. It has attention at 32x32 maps of 128-pixel
images, and float32 only.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from sagan_tf.errors import one_line
from sagan_tf.evaluation import tfgan
from tools.benchmark.ours import Setting

NAME = "tfgan"
v1 = tf.compat.v1


def import_example() -> tuple[ModuleType, ModuleType]:
    """Imports TF-GAN's example.

    Returns:
        The modules of its generator and of its discriminator.
    """
    example = "tensorflow_gan.examples.self_attention_estimator"
    return (
        tfgan.load(f"{example}.generator"),
        tfgan.load(f"{example}.discriminator"),
    )


def why_not(setting: Setting) -> str:
    """Returns why the example is no peer of a setting; empty if it is."""
    if setting.image_size != 128 or setting.attention_resolutions != (32,):
        return "it has 128 pixels and attention at 32 only"
    try:
        import_example()
    except (AttributeError, ImportError) as error:
        return one_line(error)
    return ""


class _Example:
    """One graph with both networks, and its session."""

    def __init__(self, setting: Setting):
        self.latents, self.labels, self.images = setting.draw()
        self._sizes = setting.base_channels, setting.num_classes
        self._modules = import_example()
        self.graph = tf.Graph()

    def generator(self, training: bool) -> tuple[tf.Tensor, list[Any]]:
        """Returns drawn images and the generator's variables."""
        return self._modules[0].generator(
            v1.random.normal(self.latents.shape),
            tf.constant(self.labels),
            *self._sizes,
            training=training,
        )

    def discriminator(self, images: tf.Tensor) -> tuple[tf.Tensor, list[Any]]:
        """Returns the logits of images and the discriminator's variables."""
        return self._modules[1].discriminator(
            images, tf.constant(self.labels), *self._sizes
        )

    def session(self) -> v1.Session:
        """Returns a session with initial weights."""
        session = v1.Session(graph=self.graph)
        session.run(v1.global_variables_initializer())
        return session


def trainer(setting: Setting) -> Callable[[], float]:
    """Returns a call that trains TF-GAN's example for one step."""
    example = _Example(setting)
    with example.graph.as_default():
        images = v1.placeholder(tf.float32, example.images.shape)
        fakes, generator_variables = example.generator(training=True)
        fake_logits, _ = example.discriminator(fakes)
        real_logits, discriminator_variables = example.discriminator(images)
        generator_loss = -tf.reduce_mean(fake_logits)
        discriminator_loss = tf.reduce_mean(
            tf.nn.relu(1.0 - real_logits)
        ) + tf.reduce_mean(tf.nn.relu(1.0 + fake_logits))
        steps = [
            _minimize(generator_loss, 1e-4, generator_variables, "generator"),
            _minimize(
                discriminator_loss,
                4e-4,
                discriminator_variables,
                "discriminator",
            ),
        ]
        session = example.session()

    def step() -> float:
        feeds = {images: example.images}
        session.run(steps[0], feeds)
        return session.run((steps[1], discriminator_loss), feeds)[1]

    return step


def _minimize(
    loss: tf.Tensor, rate: float, variables: list[Any], scope: str
) -> tf.Operation:
    updates = v1.get_collection(v1.GraphKeys.UPDATE_OPS, scope)
    with tf.control_dependencies(updates):
        return v1.train.AdamOptimizer(rate, 0.0).minimize(
            loss, var_list=variables
        )


def sampler(setting: Setting) -> Callable[[], np.ndarray]:
    """Returns a call that draws one batch of images."""
    example = _Example(setting)
    with example.graph.as_default():
        images, _ = example.generator(training=False)
        session = example.session()
    return lambda: session.run(images)
