"""Checkpoints in the release's manner, of any shape, and faulty ones."""

import logging

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.errors import UserError
from sagan_tf.interop import release
from tests.interop import release_reference

# Of the largest value: float32 through some twenty layers.
OUTPUTS = 5e-5


def draw_inputs(image_size, classes, latent_dim=128, batch=2):
    random = np.random.RandomState(0)
    latents = random.standard_normal((batch, latent_dim)).astype(np.float32)
    labels = random.randint(0, classes, batch).astype(np.int32)
    shape = (batch, image_size, image_size, 3)
    return latents, labels, random.uniform(-1, 1, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("image_size", "latent_dim", "widths", "classes", "attention"),
    [
        (128, 128, (4, 4), 5, (None, None)),
        (128, 20, (8, 16), 3, (64, 64)),
        (128, 128, (6, 10), 7, (32, None)),
        (128, 128, (4, 6), 1, (None, 32)),
        (128, 128, (7, 4), 2, (32, 8)),
        (64, 16, (4, 8), 3, (16, 32)),
        (256, 16, (4, 4), 3, (64, 32)),
    ],
)
def test_any_checkpoint_agrees(
    image_size, latent_dim, widths, classes, attention, tmp_path
):
    latents, labels, images = draw_inputs(image_size, classes, latent_dim)
    prefix = str(tmp_path / "model.ckpt")
    drawn, logits = release_reference.write(
        prefix, latents, labels, images, widths, classes, attention
    )
    generator, discriminator = release.load(prefix)
    for network, width, size in zip(
        (generator, discriminator), widths, attention
    ):
        assert network.image_size == image_size
        assert network.num_classes == classes
        assert network.base_channels == width
        assert network.attention_resolutions == ((size,) if size else ())
    ours = generator([latents, labels], training=False)
    np.testing.assert_allclose(ours, drawn, rtol=0, atol=OUTPUTS)
    ours = discriminator([images, labels], training=False)
    scale = np.abs(logits).max()
    np.testing.assert_allclose(ours, logits, rtol=0, atol=OUTPUTS * scale)


def test_a_place_that_channels_leave_open_is_chosen(tmp_path):
    latents, labels, images = draw_inputs(256, 2, 16)
    prefix = str(tmp_path / "model.ckpt")
    drawn, _ = release_reference.write(
        prefix, latents, labels, images, (2, 2), 2, (16, None)
    )
    with pytest.raises(UserError, match="16 at 16x16 or 32x32"):
        release.load(prefix)
    generator, _ = release.load(prefix, attention_resolutions=(16,))
    assert generator.attention_resolutions == (16,)
    ours = generator([latents, labels], training=False)
    np.testing.assert_allclose(ours, drawn, rtol=0, atol=OUTPUTS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Values of a small checkpoint by name."""
    prefix = str(tmp_path_factory.mktemp("release") / "model.ckpt")
    release_reference.write(
        prefix, *draw_inputs(64, 3, 16), (4, 4), 3, (32, 16)
    )
    reader = tf.train.load_checkpoint(prefix)
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names}


def rewrite(values, prefix):
    """Writes a TensorFlow 1 checkpoint of these values."""
    with tf.Graph().as_default():
        saved = [
            tf.compat.v1.get_variable(name, initializer=value)
            for name, value in values.items()
        ]
        with tf.compat.v1.Session() as session:
            session.run(tf.compat.v1.global_variables_initializer())
            tf.compat.v1.train.Saver(saved).save(session, prefix)
    return prefix


def test_optimizer_state_is_ignored_and_said_to_be(written, tmp_path, caplog):
    prefix = rewrite(written, str(tmp_path / "model.ckpt"))
    with caplog.at_level(logging.INFO, logger="absl"):
        release.load(prefix)
    (line,) = (text for text in caplog.messages if "Ignored" in text)
    for name in (
        "global_step",
        "beta1_power",
        "model/g_snh0/Matrix/Adam",
        "model/d_embedding/embedding_map/Adam_1",
    ):
        if name in written:
            assert name in line
    assert "global_step" in written
    assert "model/d_embedding/embedding_map/Adam_1" in written


@pytest.mark.parametrize(
    "names",
    [
        ["model/g_block2/cbn_1/var"],
        ["model/g_snh0/Matrix", "model/d_block2/sn_conv1/u"],
        ["model/g_snconv_last/w", "model/g_block1/cbn_0/gamma"],
        ["model/d_optimized_block1/sn_conv1/biases"],
        ["model/g_non_local/sn_conv_theta/w", "model/g_non_local/sigma_ratio"],
        ["model/g_block4/snconv2/biases"],
    ],
)
def test_missing_variables_are_listed(names, written, tmp_path):
    values = {k: v for k, v in written.items() if k not in names}
    prefix = rewrite(values, str(tmp_path / "model.ckpt"))
    with pytest.raises(UserError) as caught:
        release.load(prefix)
    message = str(caught.value)
    assert "\n" not in message
    assert "missing: " + ", ".join(sorted(names)) in message


def test_left_over_variables_are_listed(written, tmp_path):
    extra = {
        "model/g_block2/snconv4/w": np.zeros((1, 1, 2, 2), np.float32),
        "other": np.zeros((3,), np.float32),
    }
    prefix = rewrite({**written, **extra}, str(tmp_path / "model.ckpt"))
    with pytest.raises(UserError, match="left over: model/g_block2/.*, other"):
        release.load(prefix)


def test_misfitting_shapes_are_listed(written, tmp_path):
    name = "model/d_sn_linear/Matrix"
    values = {**written, name: written[name].T}
    prefix = rewrite(values, str(tmp_path / "model.ckpt"))
    with pytest.raises(
        UserError,
        match=r"misfitting: .*Matrix \(expected \(64, 1\), received \(1, 64\)",
    ):
        release.load(prefix)


def test_both_networks_must_have_the_same_classes(written, tmp_path):
    name = "model/d_embedding/embedding_map"
    values = {**written, name: np.zeros((4, 64), np.float32)}
    prefix = rewrite(values, str(tmp_path / "model.ckpt"))
    with pytest.raises(UserError, match="misfitting: .*embedding_map"):
        release.load(prefix)


def test_a_missing_file_is_one_line(tmp_path):
    with pytest.raises(UserError, match="should be the prefix") as caught:
        release.load(str(tmp_path / "nothing.ckpt"))
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line(written, tmp_path):
    prefix = rewrite(written, str(tmp_path / "model.ckpt"))
    data = tmp_path / "model.ckpt.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1000])
    with pytest.raises(UserError, match="should be the prefix"):
        release.load(prefix)


def test_another_model_is_one_line(tmp_path):
    values = {"layer/kernel": np.zeros((2, 2), np.float32)}
    prefix = rewrite(values, str(tmp_path / "model.ckpt"))
    with pytest.raises(UserError, match="variables named g_block"):
        release.load(prefix)
