import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.gan import losses


def test_hinge_of_the_discriminator_known_answer():
    real = tf.constant([[2.0], [1.0], [0.0], [-1.0]])
    fake = tf.constant([[-2.0], [3.0]])
    # relu(1 - real) is 0, 0, 1, 2 and relu(1 + fake) is 0, 4.
    assert losses.hinge_discriminator_loss(real, fake).numpy() == 0.75 + 2.0


def test_hinge_of_the_generator_known_answer():
    fake = tf.constant([[-2.0], [3.0], [0.5]])
    assert losses.hinge_generator_loss(fake).numpy() == -0.5


def test_hinge_stops_pushing_beyond_the_margin():
    real, fake = tf.constant([[1.5], [0.5]]), tf.constant([[-1.5], [-0.5]])
    with tf.GradientTape() as tape:
        tape.watch([real, fake])
        loss = losses.hinge_discriminator_loss(real, fake)
    of_real, of_fake = tape.gradient(loss, [real, fake])
    np.testing.assert_array_equal(of_real, [[0.0], [-0.5]])
    np.testing.assert_array_equal(of_fake, [[0.0], [0.5]])


@pytest.mark.parametrize("dtype", [tf.float16, tf.bfloat16])
def test_losses_are_float32(dtype):
    logits = tf.zeros((4, 1), dtype)
    discriminator = losses.hinge_discriminator_loss(logits, logits)
    generator = losses.hinge_generator_loss(logits)
    assert discriminator.dtype == generator.dtype == tf.float32
    assert (discriminator.numpy(), generator.numpy()) == (2.0, 0.0)


def test_wasserstein_known_answer():
    real = tf.constant([[2.0], [1.0]])
    fake = tf.constant([[-2.0], [3.0], [0.5]])
    assert losses.wasserstein_discriminator_loss(real, fake).numpy() == -1.0


def test_mixtures_known_answer():
    real, fake = tf.ones((3, 1, 2, 1)), -tf.ones((3, 1, 2, 1))
    mixed = losses.interpolate(real, fake, tf.constant([0.0, 0.75, 1.0]))
    np.testing.assert_array_equal(mixed[:, 0, 0, 0], [-1.0, 0.5, 1.0])
    assert (
        losses.interpolate(tf.cast(real, tf.bfloat16), fake, tf.ones(3)).dtype
        == tf.float32
    )


def test_penalty_known_answer():
    gradients = np.zeros((2, 2, 2, 3), np.float32)
    gradients[0, 0, 1, 2], gradients[0, 1, 1, 0] = 3.0, 4.0
    gradients[1, 0, 0, 0] = -1.0
    # Norms of 5 and 1.
    for dtype in (tf.float32, tf.bfloat16):
        penalty = losses.distance_from_unit_norm(tf.cast(gradients, dtype))
        assert penalty.dtype == tf.float32
        np.testing.assert_allclose(penalty, 8.0, rtol=1e-6)


def test_weight_of_the_penalty():
    assert losses.get("wasserstein").penalty.weight == 10.0
    assert losses.get("wasserstein", 3.0).penalty.weight == 3.0
    # There is none to weigh.
    assert losses.get("hinge", 3.0).penalty is None


def test_r1_is_half_the_squared_slope_at_real_images():
    loss = losses.get("hinge", r1_weight=4.0)
    assert loss.penalty.weight == 4.0
    assert loss.discriminator is losses.hinge_discriminator_loss
    real, fake = tf.ones((2, 1, 1, 3)), tf.zeros((2, 1, 1, 3))
    assert loss.penalty.points(real, fake, tf.zeros(2)) is real
    gradients = np.array([[1.0, 2.0, 2.0], [0.0, 3.0, 4.0]])
    found = loss.penalty.measure(tf.constant(gradients.reshape(2, 1, 1, 3)))
    assert found.numpy() == 0.5 * (9.0 + 25.0) / 2
    with pytest.raises(ValueError, match="`r1_weight` should be 0"):
        losses.get("wasserstein", r1_weight=1.0)


def test_loss_by_name():
    loss = losses.get("hinge")
    assert loss.discriminator is losses.hinge_discriminator_loss
    assert loss.generator is losses.hinge_generator_loss
    with pytest.raises(UserError, match="one of .*hinge.*'hing'; did you mean"):
        losses.get("hing")


def test_a_pair_of_functions_is_a_loss():
    loss = losses.get((losses.hinge_discriminator_loss, tf.reduce_sum))
    assert loss == losses.AdversarialLoss(
        losses.hinge_discriminator_loss, tf.reduce_sum, None
    )
    assert losses.get(loss) is loss
    for bad in (3, (tf.reduce_sum,), ("hinge", "hinge")):
        with pytest.raises(ValueError, match="a pair of functions.*Received"):
            losses.get(bad)


def test_a_registered_loss_has_a_name(monkeypatch):
    monkeypatch.setattr(losses, "LOSSES", dict(losses.LOSSES))
    for generator in (tf.reduce_sum, tf.reduce_mean):
        losses.register("toy", (tf.subtract, generator))
        assert losses.get("toy").generator is generator
    for bad in ("hinge", "my loss", ""):
        with pytest.raises(ValueError, match="`name` of a loss"):
            losses.register(bad, (tf.subtract, tf.reduce_sum))


def test_a_weight_is_of_whatever_loss_has_a_penalty():
    own = losses.get("wasserstein")._replace(generator=tf.reduce_sum)
    assert losses.get(own, 3.0).penalty.weight == 3.0
