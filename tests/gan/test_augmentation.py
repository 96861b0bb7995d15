"""Augmentation against NumPy, its gradients, and how it adapts."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import SAGAN
from sagan_tf.gan import augmentation
from sagan_tf.gan.augmentation import NAMES, NUMBERS, adapted, augment
from sagan_tf.gan.augmenter import Augmenter
from sagan_tf.training.checkpoints import Checkpoints
from tests.gan import test_model

SHAPE = (5, 12, 16)


def images(channels=3, seed=0):
    shape = (*SHAPE, channels)
    values = np.random.default_rng(seed).uniform(-1.0, 1.0, shape)
    return values.astype(np.float32)


def numbers(seed=1):
    values = np.random.default_rng(seed).uniform(size=(SHAPE[0], NUMBERS))
    return values.astype(np.float32)


def color(image, drawn):
    """One image `(height, width, channels)`, as the paper's code has it."""
    colors, rest = image[..., :3], image[..., 3:]
    colors = colors + (drawn[0] - 0.5)
    mean = colors.mean(-1, keepdims=True)
    colors = (colors - mean) * (drawn[1] * 2.0) + mean
    mean = colors.mean()
    colors = (colors - mean) * (drawn[2] + 0.5) + mean
    return np.concatenate((colors, rest), -1)


def translation(image, drawn):
    height, width, _ = image.shape
    result = np.zeros_like(image)
    down, right = (
        int(number * (2 * most + 1)) - most
        for number, most in zip(drawn[3:5], (height // 8 + 1, width // 8))
    )
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                result[row, column] = image[row + down, column + right]
    return result


def cutout(image, drawn):
    result = image.copy()
    starts = [
        int(number * (side + 1)) - side // 4
        for number, side in zip(drawn[5:7], image.shape)
    ]
    rows, columns = (
        slice(max(start, 0), max(start + side // 2, 0))
        for start, side in zip(starts, image.shape)
    )
    result[rows, columns] = 0.0
    return result


REFERENCES = {"color": color, "translation": translation, "cutout": cutout}


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("name", NAMES)
def test_each_change_is_that_of_the_reference(name, channels):
    x, drawn = images(channels), numbers()
    found = augment(x, drawn, (name,))
    expected = [REFERENCES[name](*pair) for pair in zip(x, drawn)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.any(found != x)


def test_all_changes_come_in_order():
    x, drawn = images(), numbers()
    expected = []
    for image, row in zip(x, drawn):
        for name in NAMES:
            image = REFERENCES[name](image, row)
        expected.append(image)
    np.testing.assert_allclose(augment(x, drawn, NAMES), expected, atol=1e-5)


def test_shifts_reach_an_eighth_both_ways():
    x = np.ones((2, 16, 16, 1), np.float32)
    ends = tf.constant([0.0, 1.0 - 2.0**-20])
    found = augmentation.translate(x, ends, tf.constant([0.5, 0.5]))
    rows = np.asarray(found)[..., 0].max(-1)
    np.testing.assert_array_equal(rows[0], [0.0] * 2 + [1.0] * 14)
    np.testing.assert_array_equal(rows[1], [1.0] * 14 + [0.0] * 2)


def test_a_change_is_made_with_its_probability():
    x = np.ones((4000, 4, 4, 3), np.float32)
    drawn = np.random.default_rng(0).uniform(size=(4000, NUMBERS))
    drawn = tf.constant(drawn, tf.float32)
    found = augment(x, drawn, ("color",), 0.3)
    share = np.mean(np.any(found != x, axis=(1, 2, 3)))
    assert share == pytest.approx(0.3, abs=0.03)
    np.testing.assert_array_equal(augment(x, drawn, NAMES, 0.0), x)


@pytest.mark.parametrize("name", NAMES)
def test_its_gradient_reaches_the_generator(name):
    generator, discriminator = test_model.small_networks()
    latents, labels = tf.random.normal((4, 4), seed=1), tf.range(4) % 3
    generator([latents, labels])
    drawn = numbers()[:4]
    # The middle is cut, so that something is left.
    drawn[:, 5:7] = 0.0
    with tf.GradientTape() as tape:
        fakes = generator([latents, labels], training=True)
        seen = augment(fakes, drawn, (name,))
        loss = tf.reduce_sum(discriminator([seen, labels]))
    for gradient in tape.gradient(loss, generator.trainable_variables):
        assert np.any(tf.convert_to_tensor(gradient) != 0.0)


def test_the_probability_moves_with_the_sign():
    move = (0.6, 64, 640)
    assert adapted(0.5, 0.9, *move).numpy() == np.float32(0.6)
    assert adapted(0.5, 0.1, *move).numpy() == np.float32(0.4)
    assert adapted(0.5, 0.6, *move).numpy() == np.float32(0.5)
    assert adapted(0.95, 0.9, *move).numpy() == 1.0
    assert adapted(0.05, 0.1, *move).numpy() == 0.0


def made(names=NAMES, target=0.0, accumulation=1, images_to_one=1000):
    gan = SAGAN(
        *test_model.small_networks(),
        augmenter=Augmenter(names, target, images_to_one),
        gradient_accumulation=accumulation,
    )
    gan.compile(*test_model.optimizers())
    return gan


def test_numbers_depend_on_seed_and_step_and_differ_for_both_halves():
    gan = made()
    first = gan._draw_numbers(4, 1)
    np.testing.assert_array_equal(first, gan._draw_numbers(4, 1))
    assert first.shape == (4, 2 * NUMBERS) and len(set(np.ravel(first))) == 80
    assert np.all(first != gan._draw_numbers(4, 0))
    gan.step.assign_add(1)
    assert np.all(first != gan._draw_numbers(4, 1))
    assert SAGAN(*test_model.small_networks())._draw_numbers(4, 1).shape[1] == 0


def test_replicas_share_one_draw(two_replicas):
    with two_replicas.scope():
        gan = made()
    parts = two_replicas.run(lambda: gan._draw_numbers(3, 1))
    joined = tf.concat(two_replicas.experimental_local_results(parts), 0)
    np.testing.assert_array_equal(joined, gan._draw_numbers(6, 1))


def test_real_and_generated_images_are_changed_in_both_updates():
    gan, seen = made(), []
    call = gan.discriminator.call

    def recording(inputs):
        seen.append(inputs[0].numpy())
        return call(inputs)

    gan.discriminator.call = recording
    real, labels = test_model.small_batch()
    gan.update_generator(*gan.draw_inputs(4, 0))
    gan.update_discriminator(real, labels, *gan.draw_inputs(4, 1))
    own, other = gan._draw_numbers(4, 0), gan._draw_numbers(4, 1)
    expected = gan.augmenter.real(real, other)
    np.testing.assert_array_equal(seen[1][:4], expected)
    assert np.any(seen[1][:4] != real)
    # Half of each generated image is cut out.
    assert all(
        (part == 0.0).any((1, 2, 3)).any() for part in (seen[0], seen[1])
    )
    assert np.any(own != other)


def test_adapting_is_recorded_and_starts_from_nothing():
    gan = made(target=0.5)
    assert gan.augmenter.probability.numpy() == 0.0
    logs = gan.train_step(test_model.small_batch())
    sign = 1.0 if logs["d_real_sign"] > 0.5 else 0.0
    expected = np.float32(sign * 4 / 1000)
    assert logs["augmentation"].numpy() == expected
    assert gan.augmenter.probability.numpy() == expected
    assert "augmentation" not in made().train_step(test_model.small_batch())


def test_two_replicas_adapt_like_one(two_replicas):
    with two_replicas.scope():
        augmenter = Augmenter(NAMES, 0.5, 100)

    def adapt():
        context = tf.distribute.get_replica_context()
        # Means of 1 and 0.5, and of -1 and 0.
        place = tf.cast(context.replica_id_in_sync_group, tf.float32)
        augmenter.adapt(1.0 - 0.5 * place, 5)
        augmenter.adapt(1.0 - 0.5 * place, 5)
        augmenter.adapt(place - 1.0, 5)

    two_replicas.run(adapt)
    for value in two_replicas.experimental_local_results(augmenter.probability):
        assert value.numpy() == pytest.approx(0.1)


def test_accumulation_changes_the_same_images(monkeypatch):
    seen = {1: [], 2: []}
    for parts, found in seen.items():
        gan = made(("color",), accumulation=parts)
        change = gan.augmenter.real
        monkeypatch.setattr(
            gan.augmenter,
            "real",
            lambda *a, f=found, c=change: f.append(c(*a)) or f[-1],
        )
        images, labels = test_model.small_batch()
        gan.update_discriminator(images, labels, *gan.draw_inputs(4, 1))
    whole, halves = (np.concatenate(each) for each in seen.values())
    np.testing.assert_array_equal(whole, halves)


def test_a_restored_run_goes_on_bit_for_bit(tmp_path):
    batches = [test_model.small_batch(seed=seed) for seed in range(3)]
    options = {"target": 0.01, "images_to_one": 16}
    straight, checkpoints = made(**options), Checkpoints(tmp_path)
    for data in batches[:2]:
        straight.train_step(data)
    checkpoints.save(straight)
    restored = made(**options)
    assert checkpoints.restore_latest(restored) == 2
    found = restored.augmenter.probability.numpy()
    assert found == straight.augmenter.probability.numpy()
    logs = [gan.train_step(batches[2]) for gan in (straight, restored)]
    assert logs[0]["augmentation"] > 0.0
    # Of metrics each has its own.
    for part in ("generator", "discriminator", "ema_generator"):
        ours, theirs = getattr(restored, part), getattr(straight, part)
        for mine, its in zip(ours.get_weights(), theirs.get_weights()):
            np.testing.assert_array_equal(mine, its)
    assert straight.augmenter.probability.numpy() == (
        restored.augmenter.probability.numpy()
    )


@pytest.mark.parametrize(
    "arguments", [(("colour",),), (NAMES, 1.0), (NAMES, -0.1), (NAMES, 0.6, 0)]
)
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="should be"):
        Augmenter(*arguments)
