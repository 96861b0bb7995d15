"""A collapse is called one when it lasts, and dated from its first sign."""

import math

import numpy as np
import pytest

from sagan_tf import SAGAN, Discriminator, Generator
from sagan_tf.training.collapse_watch import CollapseWatch

OPTIONS = {"image_size": 32, "base_channels": 1, "attention_resolutions": ()}


@pytest.fixture(scope="module")
def gan():
    return SAGAN(Generator(latent_dim=4, **OPTIONS), Discriminator(**OPTIONS))


@pytest.fixture
def watch(gan, monkeypatch):
    """A watch whose images are as varied as `watch.shown` says."""
    real = np.random.default_rng(0).normal(size=(8, 4, 4, 3))
    watch = CollapseWatch(gan, real)
    watch.shown = 1.0
    monkeypatch.setattr(watch, "variety", lambda: watch.shown)
    return watch


GOOD = {"d_real": 0.8, "d_fake": -0.7, "generator/gate_16": 0.1}


def observe(watch, steps, **changes):
    """Returns all warnings and the last values."""
    warnings = []
    for step in steps:
        values, new = watch.observe(step, {**GOOD, **changes})
        warnings += new
    return warnings, values


def test_sound_run_is_quiet(watch):
    warnings, values = observe(watch, range(100, 3000, 100))
    assert not warnings
    assert values["collapse_since"] == -1
    assert values["gap"] == pytest.approx(1.5)


def test_loss_of_variety_is_dated(watch):
    observe(watch, range(100, 600, 100))
    watch.shown = 0.01
    assert observe(watch, [600, 700])[0] == []
    warnings, values = observe(watch, range(800, 1500, 100))
    (warning,) = warnings
    assert "since step 600" in warning and "alike" in warning
    assert values["collapse_since"] == 600


def test_bad_moment_is_no_collapse(watch):
    for step in range(100, 3000, 300):
        watch.shown = 0.01
        warnings, _ = observe(watch, [step, step + 100])
        watch.shown = 1.0
        more, values = observe(watch, [step + 200])
        assert not warnings + more and values["collapse_since"] == -1


def test_network_that_learns_is_given_time(watch):
    watch.shown = 0.01
    warnings, _ = observe(watch, range(1, 21))
    assert not warnings
    warnings, values = observe(watch, range(21, 40))
    assert len(warnings) == 1 and values["collapse_since"] == 21


@pytest.mark.parametrize(
    "changes, text",
    [
        ({"d_real": 9.0}, "far ahead"),
        ({"d_real": math.nan}, "far ahead"),
        ({"generator/gate_16": -11.0}, "generator/gate_16 runs away"),
        ({"generator/gate_16": math.inf}, "runs away"),
    ],
)
def test_gap_and_gates_are_watched(watch, changes, text):
    observe(watch, range(100, 600, 100))
    warnings, values = observe(watch, range(600, 1000, 100), **changes)
    assert len(warnings) == 1 and text in warnings[0]
    assert values["collapse_since"] == 600
    assert observe(watch, [1000])[1]["collapse_since"] == -1


def test_gap_of_another_loss_has_another_size(watch):
    wide = {"d_real": 30.0, "d_fake": 25.0}
    observe(watch, range(100, 600, 100), **wide)
    assert not observe(watch, range(600, 1500, 100), d_real=20.0, d_fake=0.0)[0]


def test_variety_is_that_within_a_class(gan, monkeypatch):
    real = np.random.default_rng(0).normal(size=(500, 32, 32, 3))
    watch = CollapseWatch(gan, real)
    random = np.random.default_rng(1)
    varied = random.normal(size=(64, 32, 32, 3))
    monkeypatch.setattr(watch, "_sampler", lambda *_: varied)
    # Eight images underestimate a deviation a little.
    assert watch.variety() == pytest.approx(0.9, abs=0.05)
    alike = np.repeat(random.normal(size=(8, 32, 32, 3)), 8, axis=0)
    monkeypatch.setattr(watch, "_sampler", lambda *_: alike)
    assert watch.variety() == pytest.approx(0, abs=1e-6)


def test_images_of_the_generator_are_looked_at(gan):
    images = np.random.default_rng(0).normal(size=(8, 32, 32, 3))
    assert 0 < CollapseWatch(gan, images).variety() < 1


@pytest.mark.parametrize("what", ["variety", "gap", "gate"])
def test_collapse_is_known_after_a_resume(gan, watch, monkeypatch, what):
    def go_on(watch, steps, bad):
        watch.shown = 0.01 if bad and what == "variety" else 1.0
        changes = {
            "gap": {"d_real": 50.0},
            "gate": {"generator/gate_16": math.nan},
            "variety": {},
        }[what]
        found = []
        for step in steps:
            values = {**GOOD, **(changes if bad else {})}
            extra, warnings = watch.observe(step, values)
            found.append({"step": step, **values, **extra})
        return found, warnings

    first, _ = go_on(watch, range(100, 600, 100), bad=False)
    second, _ = go_on(watch, [600, 700], bad=True)
    resumed = CollapseWatch(gan, np.random.default_rng(0).normal(size=(8, 4)))
    monkeypatch.setattr(resumed, "variety", lambda: resumed.shown)
    resumed.recall(
        {
            name: value if math.isfinite(value) else None
            for name, value in record.items()
        }
        for record in [*first, *second]
    )
    (third,), (warning,) = go_on(resumed, [800], bad=True)
    assert third["collapse_since"] == 600 and "since step 600" in warning
