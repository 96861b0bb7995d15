"""TF-GAN's own networks, run from the installed wheel as a TF1 graph."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.evaluation.tfgan import load
from sagan_tf.interop import release, tfgan

v1 = tf.compat.v1

# Of the largest value: float32 through some twenty layers.
OUTPUTS = 5e-5
# TF-GAN takes a batch's variance as a difference of means, which loses digits.
BATCH_OUTPUTS = 3e-4

CLASSES, LATENT_DIM, BATCH = 3, 16, 2


def draw_inputs():
    random = np.random.RandomState(0)
    latents = random.standard_normal((BATCH, LATENT_DIM)).astype(np.float32)
    images = random.uniform(-1, 1, (BATCH, 128, 128, 3)).astype(np.float32)
    return latents, np.array([2, 0], np.int32), images


def fill(variable, random):
    """A value that shows whether a variable went where it belongs."""
    name, shape = variable.op.name, variable.shape.as_list()
    noise = random.standard_normal(shape)
    if name.endswith(("gamma", "moving_variance")):
        return 1.0 + 0.2 * np.tanh(noise)
    if name.endswith(("beta", "bias", "moving_mean")):
        return 0.1 * noise
    if name.endswith("sigma_ratio"):
        return 0.5
    return None


def write(prefix, scopes, widths, training=False):
    """Writes TF-GAN's networks; returns images, logits and a gradient."""
    example = "tensorflow_gan.examples.self_attention_estimator"
    generator = load(f"{example}.generator")
    discriminator = load(f"{example}.discriminator")
    latents, labels, images = draw_inputs()
    with tf.Graph().as_default():
        tf.random.set_seed(3)
        with v1.variable_scope(scopes[0]):
            drawn, _ = generator.generator(
                tf.constant(latents),
                tf.constant(labels),
                widths[0],
                CLASSES,
                training=training,
            )
        with v1.variable_scope(scopes[1]):
            logits, trainable = discriminator.discriminator(
                tf.constant(images), tf.constant(labels), widths[1], CLASSES
            )
        (kernel,) = (
            v for v in trainable if "block3/sn_conv1/sn_conv1/k" in v.op.name
        )
        gradient = tf.gradients(logits, kernel)[0]
        step = v1.train.get_or_create_global_step()
        v1.train.AdamOptimizer(1e-4).minimize(
            tf.reduce_mean(logits), global_step=step
        )
        random = np.random.RandomState(1)
        values = [(v, fill(v, random)) for v in v1.global_variables()]
        assignments = [v.assign(x) for v, x in values if x is not None]
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            session.run(assignments)
            v1.train.Saver().save(session, prefix)
            return session.run((drawn, logits, gradient))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A checkpoint as the estimator writes it, and what the networks gave."""
    prefix = str(tmp_path_factory.mktemp("tfgan") / "model.ckpt")
    # The estimator puts each network into a scope of its own.
    return prefix, write(prefix, ("Generator", "Discriminator"), (4, 8))


def test_outputs_agree_with_moving_statistics(written):
    check_outputs(*written, (4, 8), False, OUTPUTS)


def test_outputs_agree_with_batch_statistics(tmp_path):
    prefix = str(tmp_path / "model.ckpt")
    found = write(prefix, ("", ""), (8, 4), training=True)
    check_outputs(prefix, found, (8, 4), True, BATCH_OUTPUTS)


def check_outputs(prefix, found, widths, training, tolerance):
    drawn, logits, gradient = found
    generator, discriminator = tfgan.load(prefix)
    assert (generator.base_channels, discriminator.base_channels) == widths
    assert generator.num_classes == discriminator.num_classes == CLASSES
    assert generator.attention_resolutions == (32,)
    assert discriminator.attention_resolutions == (32,)
    latents, labels, images = draw_inputs()
    ours = generator([latents, labels], training=training)
    np.testing.assert_allclose(ours, drawn, rtol=0, atol=tolerance)
    kernel = discriminator.stages[3][1].conv_1.raw_kernel
    with tf.GradientTape() as tape:
        ours = discriminator([images, labels], training=True)
    scale = np.abs(logits).max()
    np.testing.assert_allclose(ours, logits, rtol=0, atol=OUTPUTS * scale)
    difference = np.linalg.norm(tape.gradient(ours, kernel) - gradient)
    assert difference < 5e-3 * np.linalg.norm(gradient)


def test_deviation_minimum_divisor(written):
    """The divisor is max(1, sigma), but sigma itself in the attention."""
    prefix, _ = written
    generator, discriminator = tfgan.load(prefix)
    for network in (generator, discriminator):
        attention = network.attention_layers()[32]
        inner = {id(layer) for layer in attention.submodules}
        for layer in network.spectral_layers().values():
            expected = 0.0 if id(layer) in inner else 1.0
            assert layer.minimum_divisor == expected
    assert generator.norm.epsilon == 1e-3


def test_a_checkpoint_of_tfgan_is_none_of_the_release(written):
    prefix, _ = written
    with pytest.raises(UserError, match="variables of the release.*missing"):
        release.load(prefix)
