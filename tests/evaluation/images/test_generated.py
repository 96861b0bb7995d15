"""The images of a step: the weights first, then bytes of all classes alike."""

import numpy as np
import pytest

from sagan_tf import Generator
from sagan_tf.errors import UserError
from sagan_tf.evaluation.images.generated import CheckpointSampler


def generator(num_classes):
    return Generator(
        image_size=32,
        num_classes=num_classes,
        latent_dim=4,
        base_channels=2,
        attention_resolutions=(),
    )


def give_weights(generator, step, averaged):
    """Restores weights that only the step and the average tell apart."""
    for variable in generator.trainable_variables:
        variable.assign(np.full(variable.shape, 0.1 * step + 0.05 * averaged))


def test_missing_weights_are_refused_before_an_image_is_asked_for():
    def refuse(generator, step, averaged):
        raise UserError(f"there is no step {step}")

    sample = CheckpointSampler(generator(3), refuse, num_images=5)
    with pytest.raises(UserError, match="no step 7"):
        sample(7)


@pytest.mark.parametrize("num_classes", [0, 3])
def test_images_are_bytes_of_all_classes_alike(num_classes):
    sample = CheckpointSampler(
        generator(num_classes), give_weights, num_images=7, batch_size=4
    )
    first, second = sample(1)
    assert len(first[0]) == 4 and len(second[0]) == 3
    labels = np.concatenate([first[1], second[1]])
    assert labels.dtype == np.int32
    expected = [0, 1, 2, 0, 1, 2, 0] if num_classes else [0] * 7
    assert labels.tolist() == expected
    levels = (np.concatenate([first[0], second[0]]) + 1) * 127.5
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-4)
    assert len(np.unique(np.rint(levels))) > 2


def test_each_call_has_the_weights_of_its_step():
    def drawn(step, averaged=True):
        network = generator(3)
        sample = CheckpointSampler(
            network, give_weights, averaged=averaged, num_images=3
        )
        # The weights of before are not those of the next call.
        sample(5)
        ((images, _),) = sample(step)
        return images

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert np.abs(drawn(1) - drawn(2)).max() > 0
    assert np.abs(drawn(1) - drawn(1, averaged=False)).max() > 0
