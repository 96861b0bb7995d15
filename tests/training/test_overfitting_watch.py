"""A warning where the discriminator has been too sure for long."""

from sagan_tf.training.overfitting_watch import OverfittingWatch


def told(watch, signs):
    return [
        warning
        for step, sign in enumerate(signs)
        for warning in watch.observe(100 * step, {"d_real_sign": sign})
    ]


def test_one_warning_with_its_first_step_where_it_lasts():
    (warning,) = told(OverfittingWatch(()), [0.2] + [0.98] * 20)
    assert "since step 100" in warning and "99%" in warning
    assert "train.augmentation" in warning


def test_moments_and_augmented_runs_are_left_alone():
    signs = [0.98, 0.99, 0.97, 0.96, 0.5] * 4
    assert told(OverfittingWatch(()), signs) == []
    assert told(OverfittingWatch(("color",)), [1.0] * 20) == []
