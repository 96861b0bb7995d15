import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.gan import discrimination, losses
from sagan_tf.networks import DCGANDiscriminator, Discriminator

SHARES = tf.constant([0.25, 0.75])


class Linear(tf.keras.Model):
    """A logit with a known slope: the slope of its class."""

    num_classes = 2

    def __init__(self):
        super().__init__()
        self.slopes = tf.Variable([1.0, 0.5])

    def call(self, inputs):
        images, labels = inputs
        sums = tf.reduce_sum(images, (1, 2, 3))
        return (tf.gather(self.slopes, labels) * sums)[:, tf.newaxis]


def some_images(seed, count=2, size=32):
    random = np.random.default_rng(seed)
    return tf.constant(
        random.uniform(-1, 1, (count, size, size, 3)), tf.float32
    )


def penalty(network, count=2):
    penalty = losses.get("wasserstein").penalty
    mixed = penalty.points(
        some_images(1, count), some_images(2, count), SHARES[:count]
    )
    return discrimination.gradient_penalty(
        network, penalty, mixed, tf.constant([1, 0][:count])
    )


def penalty_and_gradients(network, count=2):
    with tf.GradientTape() as tape:
        value = penalty(network, count)
    return value, [
        tf.zeros_like(variable)
        if gradient is None
        else tf.convert_to_tensor(gradient)
        for gradient, variable in zip(
            tape.gradient(value, network.trainable_variables),
            network.trainable_variables,
        )
    ]


def test_penalty_of_a_known_slope():
    network = Linear()
    # The norms are the slopes of the real images' classes, 0.5 and 1, times
    # the root of 3 * 32 * 32.
    root = np.sqrt(3 * 32 * 32)
    expected = ((0.5 * root - 1) ** 2 + (root - 1) ** 2) / 2
    value, (gradient,) = penalty_and_gradients(network)
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(
        gradient, [root * (root - 1), root * (0.5 * root - 1)], rtol=1e-6
    )


def test_each_mixture_has_a_share_of_its_own():
    seen = []

    class Seeing(Linear):
        def call(self, inputs):
            seen.append(inputs[0])
            return super().call(inputs)

    penalty(Seeing())
    real, fake = some_images(1), some_images(2)
    np.testing.assert_allclose(seen[0][0], 0.25 * real[0] + 0.75 * fake[0])
    np.testing.assert_allclose(seen[0][1], 0.75 * real[1] + 0.25 * fake[1])


def test_loss_has_its_penalty():
    network, labels = Linear(), tf.constant([1, 0])
    real, fake = (some_images(1), labels), (some_images(2), labels)
    found, of_real, of_fake, sign, alone = discrimination.discriminator_loss(
        network, losses.get("wasserstein", 3.0), real, fake, SHARES
    )
    np.testing.assert_allclose(alone, penalty(network), rtol=1e-6)
    expected = of_fake - of_real + 3.0 * penalty(network)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    plain, *_ = discrimination.discriminator_loss(
        network, losses.get("hinge"), real, fake, SHARES
    )
    logits = [network(list(pair)) for pair in (real, fake)]
    assert plain == losses.hinge_discriminator_loss(*logits)
    assert sign == np.sign(logits[0]).mean()


def test_a_penalty_says_where_and_what_it_measures():
    network, labels = Linear(), tf.constant([1, 0])
    real, fake = (some_images(1), labels), (some_images(2), labels)
    squares = losses.Penalty(
        points=lambda real, fake, shares: real,
        measure=lambda gradients: tf.reduce_sum(tf.square(gradients)),
        weight=2.0,
    )
    loss = losses.get("hinge")._replace(penalty=squares)
    found, *_ = discrimination.discriminator_loss(
        network, loss, real, fake, SHARES
    )
    logits = [network(list(pair)) for pair in (real, fake)]
    plain = losses.hinge_discriminator_loss(*logits)
    # The squared slopes of both classes at each of 3 * 32 * 32 numbers.
    expected = plain + 2.0 * (0.5**2 + 1.0) * 3 * 32 * 32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_dead_discriminator_has_a_gradient():
    network = Linear()
    network.slopes.assign([0.0, 0.0])
    value, gradients = penalty_and_gradients(network)
    np.testing.assert_allclose(value, 1.0, atol=1e-5)
    assert np.all(np.isfinite(gradients))


def resnet(base_channels=8, **options):
    tf.keras.utils.set_random_seed(1)
    network = Discriminator(
        32,
        2,
        base_channels=base_channels,
        attention_resolutions=(8, 16),
        spectral_normalization=False,
        **options,
    )
    return gated(network)


def dcgan(base_channels=8, **options):
    tf.keras.utils.set_random_seed(1)
    return gated(
        DCGANDiscriminator(
            32,
            base_channels=base_channels,
            spectral_normalization=False,
            **options,
        )
    )


def gated(network):
    network.build_from_config({})
    for layer in network.attention_layers().values():
        layer.gate.assign(0.7)
    return network


@pytest.mark.parametrize("factory", [resnet, dcgan])
def test_gradients_of_the_penalty_by_finite_differences(factory):
    """Along the gradient, with both rectifiers and maxima on the way."""
    network, count = factory(), 1
    _, gradients = penalty_and_gradients(network, count)
    norm = tf.linalg.global_norm(gradients)
    weights, values, step = network.get_weights(), [], 1e-4
    for sign in (1.0, -1.0):
        for variable, gradient in zip(network.trainable_variables, gradients):
            variable.assign_add(sign * step / norm * gradient)
        values.append(penalty(network, count).numpy())
        network.set_weights(weights)
    slope = (values[0] - values[1]) / (2 * step)
    np.testing.assert_allclose(slope, norm, rtol=2e-3)


@pytest.mark.parametrize(
    "options",
    [{"fold_resampling": False}, {"attention_options": {"max_scores": 1000}}],
    ids=["unfolded", "attention_in_blocks"],
)
def test_gradients_of_the_penalty_do_not_depend_on_the_form(options):
    ours, other = resnet(), resnet(**options)
    value, gradients = penalty_and_gradients(ours)
    expected, others = penalty_and_gradients(other)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for gradient, reference in zip(gradients, others):
        scale = max(np.abs(reference).max(), 1e-6)
        np.testing.assert_allclose(
            gradient / scale, reference / scale, atol=1e-4
        )


@pytest.mark.parametrize("factory", [resnet, dcgan])
def test_penalty_is_float32_in_mixed_precision(factory):
    # As many channels as make the residual blocks take kernel gradients apart.
    value, gradients = penalty_and_gradients(
        factory(dtype="mixed_bfloat16", base_channels=32)
    )
    expected, references = penalty_and_gradients(factory(base_channels=32))
    assert value.dtype == tf.float32
    np.testing.assert_allclose(value, expected, rtol=0.05)
    ours, theirs = (
        np.concatenate([np.ravel(part) for part in parts])
        for parts in (gradients, references)
    )
    # The cosine between what bfloat16 and float32 give.
    size = np.linalg.norm(ours) * np.linalg.norm(theirs)
    assert np.dot(ours, theirs) > 0.97 * size
