"""The release's own numbers, on a checkpoint that it wrote."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN
from sagan_tf.gan import losses
from sagan_tf.interop import release
from sagan_tf.interop.checkpoint import Reader, variables

FIXTURE = pathlib.Path(__file__).parents[1] / "fixtures" / "release"
PREFIX = str(FIXTURE / "model.ckpt")

# Of the largest value: float32 through some twenty layers.
OUTPUTS = 5e-5
# Relative in norm: rounding flips a few rectifiers and maxima.
GRADIENTS = 5e-3
# Below this a gradient of the fixture is the rounding of an exact zero: that
# of a bias whose effect the next batch normalization takes away. The smallest
# of the others is fifty times larger.
ZERO_GRADIENT = 5e-6
FIRST_STEP, TEN_STEPS = 1e-4, 0.05


@pytest.fixture(scope="module")
def fixture():
    with np.load(FIXTURE / "fixture.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def shapes():
    return Reader(PREFIX).shapes


def with_folding(network, folded):
    """The same network with resampling folded into its kernels or not."""
    config = {**network.get_config(), "fold_resampling": folded}
    copy = type(network).from_config(config)
    size = network.image_size
    shape = getattr(network, "latent_dim", None)
    inputs = tf.zeros((1, shape) if shape else (1, size, size, 3))
    copy([inputs, tf.zeros((1,), tf.int32)])
    copy.set_weights(network.get_weights())
    return copy


@pytest.fixture(params=[False, True], ids=["as_written", "folded"])
def networks(request):
    return [
        with_folding(network, request.param) for network in release.load(PREFIX)
    ]


def inputs(fixture):
    names = ("z", "fake_labels", "images", "labels")
    return [tf.constant(fixture[f"in:{name}"]) for name in names]


def error(ours, theirs):
    """Largest difference over the largest value."""
    return np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()


def test_architecture_is_told_from_the_checkpoint(networks):
    generator, discriminator = networks
    assert generator.latent_dim == 128
    for network in networks:
        assert network.image_size == 128
        assert network.num_classes == 5
        assert network.base_channels == 4
        assert network.attention_resolutions == (32,)


def test_every_variable_holds_the_releases_value(networks, fixture, shapes):
    ours = variables(networks, shapes, release.NAMING)
    weights = sum(len(network.variables) for network in networks)
    assert len(ours) == weights
    theirs = {name[4:] for name in fixture if name.startswith("var:")}
    assert set(ours) == theirs
    for name, variable in ours.items():
        expected = fixture[f"var:{name}"].reshape(variable.shape)
        np.testing.assert_array_equal(variable.numpy(), expected, err_msg=name)


def test_generator_with_moving_statistics(networks, fixture):
    latents, labels, _, _ = inputs(fixture)
    images = networks[0]([latents, labels], training=False)
    assert error(images, fixture["out:generator_eval"]) < OUTPUTS


def test_generator_with_batch_statistics(networks, fixture, shapes):
    generator, _ = networks
    latents, labels, _, _ = inputs(fixture)
    images = generator([latents, labels], training=True)
    assert error(images, fixture["out:generator_train"]) < OUTPUTS
    ours = variables([generator], shapes, release.NAMING)
    moved = {name[6:] for name in fixture if name.startswith("moved:")}
    assert len(moved) == 22
    for name in moved:
        expected = fixture[f"moved:{name}"].reshape(ours[name].shape)
        assert error(ours[name], expected) < OUTPUTS, name


def test_logits(networks, fixture):
    _, fake_labels, images, labels = inputs(fixture)
    _, discriminator = networks
    real = discriminator([images, labels], training=False)
    fake = discriminator(
        [fixture["out:generator_train"], fake_labels], training=False
    )
    assert error(real, fixture["out:logits_real"]) < OUTPUTS
    assert error(fake, fixture["out:logits_fake"]) < OUTPUTS


def check_gradients(tape, loss, ours, fixture, prefix, network):
    names = [name for name in ours if prefix + name in fixture]
    assert len(names) == len(network.trainable_variables)
    gradients = tape.gradient(loss, [ours[name] for name in names])
    for name, gradient in zip(names, gradients):
        expected = fixture[prefix + name]
        difference = np.linalg.norm(tf.convert_to_tensor(gradient) - expected)
        norm = np.linalg.norm(expected)
        assert difference < max(GRADIENTS * norm, ZERO_GRADIENT), name


def test_generator_loss_and_gradients(networks, fixture, shapes):
    generator, discriminator = networks
    latents, labels, _, _ = inputs(fixture)
    with tf.GradientTape() as tape:
        images = generator([latents, labels], training=True)
        logits = discriminator([images, labels], training=False)
        loss = losses.hinge_generator_loss(logits)
    assert error(loss, fixture["out:g_loss"]) < OUTPUTS
    ours = variables([generator], shapes, release.NAMING)
    check_gradients(tape, loss, ours, fixture, "grad_g:", generator)


def test_discriminator_loss_and_gradients(networks, fixture, shapes):
    _, discriminator = networks
    _, fake_labels, images, labels = inputs(fixture)
    fakes = fixture["out:generator_train"]
    with tf.GradientTape() as tape:
        loss = losses.hinge_discriminator_loss(
            discriminator([images, labels], training=True),
            discriminator([fakes, fake_labels], training=False),
        )
    assert error(loss, fixture["out:d_loss"]) < OUTPUTS
    ours = variables([discriminator], shapes, release.NAMING)
    check_gradients(tape, loss, ours, fixture, "grad_d:", discriminator)


def test_only_biases_before_a_batch_normalization_have_no_gradient(fixture):
    zero = {
        name
        for name, value in fixture.items()
        if name.startswith("grad_") and np.linalg.norm(value) < ZERO_GRADIENT
    }
    assert zero == {
        f"grad_g:model/g_block{block}/snconv{index}/biases"
        for block in (1, 2, 3, 4, 5)
        for index in (1, 2, 3)
        if index == 1 or block > 3
    }


def draw_feed(number):
    """Latents, fake labels, images and labels of a fixture's update."""
    random = np.random.RandomState(1000 + number)
    latents = random.standard_normal((4, 128))
    fake_labels = random.randint(0, 5, 4)
    images = random.uniform(-1, 1, (4, 128, 128, 3))
    labels = random.randint(0, 5, 4)
    return (
        tf.constant(latents, tf.float32),
        tf.constant(fake_labels),
        tf.constant(images, tf.float32),
        tf.constant(labels),
    )


def run_trajectory(networks, separate):
    """Generator and discriminator loss of ten iterations."""
    gan = SAGAN(*networks, separate_discriminator_passes=separate)
    gan.compile(
        *(
            tf.keras.optimizers.legacy.Adam(rate, 0.0, 0.999, epsilon=1e-8)
            for rate in (1e-4, 4e-4)
        )
    )
    found = []
    for iteration in range(10):
        latents, labels, _, _ = draw_feed(2 * iteration)
        g_loss = gan.update_generator(latents, labels)
        latents, fake_labels, images, labels = draw_feed(2 * iteration + 1)
        d_loss, *_ = gan.update_discriminator(
            images, labels, latents, fake_labels
        )
        found.append((float(g_loss), float(d_loss)))
    return np.array(found)


@pytest.fixture(scope="module")
def expected_losses():
    with np.load(FIXTURE / "trajectory.npz") as arrays:
        return arrays["losses"]


def test_trajectory_of_ten_steps(expected_losses):
    networks = [with_folding(n, False) for n in release.load(PREFIX)]
    difference = np.abs(run_trajectory(networks, True) - expected_losses)
    assert difference[0].max() < FIRST_STEP
    assert difference.max() < TEN_STEPS


def test_deviation_folded_resampling(expected_losses):
    # In the ninth iteration a logit is 0.006 from the hinge's corner, so that
    # rounding decides whether one image counts: the tenth says nothing.
    networks = release.load(PREFIX)
    difference = np.abs(run_trajectory(networks, True) - expected_losses)
    assert difference[0].max() < FIRST_STEP
    assert difference[:9].max() < TEN_STEPS


def test_deviation_joint_pass(expected_losses):
    difference = np.abs(
        run_trajectory(release.load(PREFIX), False) - expected_losses
    )
    assert difference[0].max() < FIRST_STEP
    # The fake half reads the same `u` as the real half, not the one after it.
    assert FIRST_STEP < difference[1:].max() < TEN_STEPS
