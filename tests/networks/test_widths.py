"""Widths by the number of doublings, frozen."""

import pytest

from sagan_tf.networks import widths


@pytest.mark.parametrize(
    ("size", "generator", "discriminator"),
    [
        (32, (4, 4, 4, 4), (2, 2, 2, 2)),
        (64, (16, 8, 4, 2, 1), (1, 2, 4, 8, 16)),
        (128, (16, 16, 8, 4, 2, 1), (1, 2, 4, 8, 16, 16)),
        (256, (16, 16, 8, 8, 4, 2, 1), (1, 2, 4, 8, 8, 16, 16)),
        # BigGAN's.
        (512, (16, 16, 8, 8, 4, 2, 1, 1), (1, 1, 2, 4, 8, 8, 16, 16)),
    ],
)
def test_widths_at_powers_of_two(size, generator, discriminator):
    assert widths.generator_widths(size) == generator
    assert widths.discriminator_widths(size) == discriminator


@pytest.mark.parametrize(
    ("size", "like"), [(40, 32), ((48, 56), 32), (112, 64), ((128, 224), 128)]
)
def test_others_have_the_widths_of_as_many_doublings(size, like):
    assert widths.generator_widths(size) == widths.generator_widths(like)
    assert widths.discriminator_widths(size) == (
        widths.discriminator_widths(like)
    )


def test_heights_follow_the_image():
    assert widths.generator_heights((48, 40)) == (12, 24, 48)
    assert widths.discriminator_heights((48, 40)) == (24, 12, 12, 12)
    assert widths.discriminator_heights(80) == (40, 20, 10, 5, 5)
    assert widths.strided_heights(56) == (7, 14, 28)


def test_what_may_attend_has_widths_in_both_networks():
    assert widths.by_height("resnet", 128) == {
        "generator": {8: 16, 16: 8, 32: 4, 64: 2},
        "discriminator": {8: 8, 16: 4, 32: 2, 64: 1},
    }
    strided = {5: 8, 10: 4, 20: 2, 40: 1}
    assert widths.by_height("dcgan", (80, 96)) == {
        "generator": strided,
        "discriminator": strided,
    }
