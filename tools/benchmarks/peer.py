"""TF-GAN's example of SAGAN, from its installed wheel, as calls.

Its networks are functions of a TF1 graph. The step is what its estimator runs:
the generator's update, then the discriminator's, each in a call of the session
that computes all that it needs, with the hinge loss, Adam and the updates of
the spectral normalization. It has attention at 32x32 maps of 128-pixel
pictures, and float32 only.
"""

from __future__ import annotations

import types
from typing import Any, Callable

import numpy as np
import tensorflow as tf

from sagan_tf.evaluation import tfgan
from tools.benchmarks.ours import Setting

v1 = tf.compat.v1


def _load(network: str) -> types.ModuleType:
    return tfgan.load(
        f"tensorflow_gan.examples.self_attention_estimator.{network}"
    )


class _Example:
    """One graph with both networks, and its session."""

    def __init__(self, setting: Setting):
        self.setting = setting
        self.latents, self.labels, self.images = setting.draw()
        self.graph = tf.Graph()

    def generator(self, training: bool) -> tuple[tf.Tensor, list[Any]]:
        latents = v1.random.normal(self.latents.shape)
        return _load("generator").generator(
            latents,
            tf.constant(self.labels),
            self.setting.base_channels,
            self.setting.num_classes,
            training=training,
        )

    def discriminator(self, images: tf.Tensor) -> tuple[tf.Tensor, list[Any]]:
        return _load("discriminator").discriminator(
            images,
            tf.constant(self.labels),
            self.setting.base_channels,
            self.setting.num_classes,
        )

    def session(self) -> v1.Session:
        session = v1.Session(graph=self.graph)
        session.run(v1.global_variables_initializer())
        return session


def trainer(setting: Setting) -> Callable[[], float]:
    """Returns a call that trains TF-GAN's example for one step."""
    example = _Example(setting)
    with example.graph.as_default():
        pictures = v1.placeholder(tf.float32, example.images.shape)
        fakes, generator_variables = example.generator(training=True)
        fake_logits, _ = example.discriminator(fakes)
        real_logits, discriminator_variables = example.discriminator(pictures)
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
        feeds = {pictures: example.images}
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
    """Returns a call that draws one batch of pictures."""
    example = _Example(setting)
    with example.graph.as_default():
        pictures, _ = example.generator(training=False)
        session = example.session()
    return lambda: session.run(pictures)
