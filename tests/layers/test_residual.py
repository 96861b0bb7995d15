import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import (
    BatchNorm,
    ResidualDownBlock,
    ResidualUpBlock,
    SpectralNormalization,
)

# float32 rounding through three convolutions.
TOLERANCE = 1e-4
LABELS = np.array([1, 0], np.int32)


def random(*shape):
    return np.random.default_rng(5).normal(size=shape).astype(np.float32)


def up(filters=6, **options):
    return ResidualUpBlock(filters, **{"num_classes": 3, **options})


def up_inputs():
    return [random(2, 4, 4, 8), LABELS]


def same_weights(block, other, inputs):
    block(inputs)
    other(inputs)
    block.set_weights([w + 0.1 * random(*w.shape) for w in block.get_weights()])
    other.set_weights(block.get_weights())


def outputs_and_gradients(block, inputs):
    with tf.GradientTape() as tape:
        outputs = block(inputs, training=True)
        loss = tf.reduce_mean(outputs * random(*outputs.shape))
    gradients = tape.gradient(loss, block.trainable_variables)
    return [outputs, *map(tf.convert_to_tensor, gradients)]


def kernel_shapes(block):
    return {
        v.name.split("/", 1)[1]: tuple(v.shape)
        for v in block.trainable_variables
        if "kernel" in v.name
    }


def test_up_block_doubles_the_size():
    block = up(name="block")
    assert block(up_inputs()).shape == (2, 8, 8, 6)
    assert kernel_shapes(block) == {
        "conv_1/kernel:0": (3, 3, 8, 6),
        "conv_2/kernel:0": (3, 3, 6, 6),
        "shortcut/kernel:0": (1, 1, 8, 6),
    }
    assert block.norm_1.gain.shape == (3, 8)
    assert block.norm_2.gain.shape == (3, 6)


def test_unconditional_up_block_takes_features_alone():
    block = up(num_classes=0)
    assert block(random(2, 4, 4, 8)).shape == (2, 8, 8, 6)
    assert block.norm_1.gain.shape == (8,)


@pytest.mark.parametrize("downsample", [True, False])
def test_down_block_halves_the_size_or_keeps_it(downsample):
    block = ResidualDownBlock(6, downsample=downsample)
    size = 4 if downsample else 8
    assert block(random(2, 8, 8, 3)).shape == (2, size, size, 6)


@pytest.mark.parametrize(
    ("filters", "downsample", "present"),
    [(3, True, True), (6, True, True), (6, False, True), (3, False, False)],
)
def test_shortcut_only_where_it_is_needed(filters, downsample, present):
    block = ResidualDownBlock(filters, downsample, name="block")
    block(random(1, 4, 4, 3))
    shapes = kernel_shapes(block)
    assert ("shortcut/kernel:0" in shapes) == present
    if present:
        assert shapes["shortcut/kernel:0"] == (1, 1, 3, filters)


def test_plain_down_block_adds_its_input():
    block = ResidualDownBlock(3, downsample=False)
    inputs = random(1, 4, 4, 3)
    block(inputs)
    block.set_weights([np.zeros_like(w) for w in block.get_weights()])
    np.testing.assert_array_equal(block(inputs), inputs)


def test_leading_relu_hides_negative_inputs_from_the_first_convolution():
    inputs = -np.abs(random(1, 4, 4, 3))
    for leading, same in ((True, True), (False, False)):
        block = ResidualDownBlock(
            3,
            downsample=False,
            leading_relu=leading,
            spectral_normalization=False,
        )
        residual = block(inputs) - inputs
        hidden = block(2.0 * inputs) - 2.0 * inputs
        assert np.allclose(residual, hidden, atol=1e-6) == same


def test_up_block_known_answer_of_its_parts():
    block, (features, labels) = up(), up_inputs()
    outputs = block([features, labels], training=False)
    x = tf.nn.relu(block.norm_1([features, labels]))
    x = block.conv_1(x)
    x = tf.nn.relu(block.norm_2([x, labels]))
    expected = block.conv_2(x) + block.shortcut(features)
    np.testing.assert_array_equal(outputs, expected)


@pytest.mark.parametrize("spectral", [True, False])
def test_folded_up_block_equals_the_unfolded_one(spectral):
    blocks = [
        up(fold_resampling=folded, spectral_normalization=spectral)
        for folded in (True, False)
    ]
    same_weights(*blocks, up_inputs())
    ours, theirs = (outputs_and_gradients(b, up_inputs()) for b in blocks)
    for value, expected in zip(ours, theirs):
        np.testing.assert_allclose(value, expected, atol=TOLERANCE)


@pytest.mark.parametrize("spectral", [True, False])
def test_folded_down_block_equals_the_unfolded_one(spectral):
    blocks = [
        ResidualDownBlock(
            5, fold_resampling=folded, spectral_normalization=spectral
        )
        for folded in (True, False)
    ]
    inputs = random(2, 6, 6, 3)
    same_weights(*blocks, inputs)
    ours, theirs = (outputs_and_gradients(b, inputs) for b in blocks)
    for value, expected in zip(ours, theirs):
        np.testing.assert_allclose(value, expected, atol=TOLERANCE)


@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_normalization_of_every_convolution_or_none(spectral):
    for block, inputs in (
        (up(spectral_normalization=spectral), up_inputs()),
        (
            ResidualDownBlock(6, spectral_normalization=spectral),
            random(1, 4, 4, 3),
        ),
    ):
        block(inputs)
        found = [
            isinstance(getattr(block, name), SpectralNormalization)
            for name in ("conv_1", "conv_2", "shortcut")
        ]
        assert found == [spectral] * 3


def test_training_reaches_the_statistics_and_the_vectors():
    block = up()
    block(up_inputs())
    before = [v.numpy() for v in block.non_trainable_variables]
    block(up_inputs(), training=False)
    for value, variable in zip(before, block.non_trainable_variables):
        np.testing.assert_array_equal(value, variable)
    block(up_inputs(), training=True)
    for value, variable in zip(before, block.non_trainable_variables):
        assert np.any(value != variable.numpy()), variable.name


def test_config_round_trips():
    options = {"spectral_normalization": None, "fold_resampling": False}
    up_block = ResidualUpBlock(6, 3, BatchNorm(0.5), name="up", **options)
    down_block = ResidualDownBlock(6, False, False, name="down", **options)
    for block in (up_block, down_block):
        copy = type(block).from_config(block.get_config())
        assert copy.get_config() == block.get_config()
        assert copy.fold_resampling is False
        assert copy.spectral_normalization is None
    assert block.get_config()["downsample"] is False
    assert block.get_config()["leading_relu"] is False
    assert up_block.get_config()["batch_norm"]["momentum"] == 0.5
    assert up_block.get_config()["num_classes"] == 3


@pytest.mark.parametrize("downsample", [True, False])
def test_deviation_rectified_shortcut(downsample):
    options = {"downsample": downsample, "name": "block"}
    plain = ResidualDownBlock(8, **options)
    rectified = ResidualDownBlock(8, rectified_shortcut=True, **options)
    rectified = ResidualDownBlock.from_config(rectified.get_config())
    images = random(2, 4, 4, 8)
    same_weights(plain, rectified, images)
    np.testing.assert_allclose(
        rectified(images), plain(np.maximum(images, 0.0)), atol=TOLERANCE
    )
    assert np.abs(rectified(images) - plain(images)).max() > 0.1
