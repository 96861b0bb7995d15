"""Any combination of values either trains a step or is refused in a line."""

import json
import math

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from sagan_tf import train
from sagan_tf.configuration import validation
from sagan_tf.configuration.fields import FIELDS
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from tests.configuration.test_fields import changed
from tests.training import toy

# What takes long to build, unless it is chosen.
SMALLEST = {
    **toy.FIELDS,
    "model.base_channels": 1,
    "model.attention_resolutions": (),
    "train.num_steps": 1,
    "log.sheet_every_steps": 100,
}
# Some ways to be wrong for every field, whatever it should be.
JUNK = st.sampled_from([-1, 0, 1.5, float("nan"), "", "x", None, (), {}])
# Values that are right for a field by itself, at the size of a toy.
PLAUSIBLE = {
    "seed": st.integers(0, 2**31 - 1),
    "loss": st.sampled_from(["hinge", "wasserstein"]),
    "dataset.num_classes": st.sampled_from([0, 10]),
    "dataset.num_examples": st.sampled_from([1, 5, 12]),
    "dataset.flip": st.booleans(),
    "model.base_channels": st.sampled_from([1, 2, 3]),
    "model.latent_dim": st.sampled_from([1, 5]),
    "model.attention_resolutions": st.sampled_from([(), (8,), (16, 8), (4,)]),
    "model.attention_key_divisor": st.sampled_from([1, 2, 3, 8]),
    "model.attention_value_divisor": st.sampled_from([1, 2, 7]),
    "model.attention_pooling": st.booleans(),
    "model.batch_norm_momentum": st.sampled_from([0.0, 0.5]),
    "model.spectral_normalization": st.sampled_from(
        ["release", "tfgan", "none"]
    ),
    "model.attention_replacement": st.sampled_from(["attention", "residual"]),
    "model.normalized_class_tables": st.booleans(),
    "model.rectified_shortcuts": st.booleans(),
    "model.synchronized_batch_norm": st.booleans(),
    "model.fold_resampling": st.booleans(),
    "optimizer.beta_1": st.sampled_from([0.0, 0.9]),
    "optimizer.generator_learning_rate": st.sampled_from([1e-30, 1e-3]),
    "train.batch_size": st.sampled_from([1, 3]),
    "train.num_steps": st.sampled_from([1, 2]),
    "train.discriminator_steps": st.sampled_from([1, 2]),
    "train.gradient_accumulation": st.sampled_from([1, 2, 3]),
    "train.ema_decay": st.sampled_from([0.0, 0.9]),
    "train.ema_start_step": st.sampled_from([0, 1]),
    "train.separate_discriminator_passes": st.booleans(),
    "train.steps_per_call": st.sampled_from([1, 2]),
    "log.every_steps": st.sampled_from([1, 2, 100]),
    "checkpoint.every_steps": st.sampled_from([1, 2, 100]),
    "checkpoint.keep_every": st.sampled_from([0, 1, 2]),
    "distribution.strategy": st.sampled_from(["auto", "one_device"]),
}


def few(fields, most):
    """Some of the fields, each with a value of its own strategy."""
    chosen = st.lists(
        st.sampled_from(sorted(fields)), max_size=most, unique=True
    )
    return chosen.flatmap(
        lambda names: st.fixed_dictionaries({n: fields[n] for n in names})
    )


def configuration(fields):
    return changed({**SMALLEST, **fields})


def attempt(fields, path):
    """Returns whether it trained; anything but a line of refusal is raised."""
    workdir = Workdir(path)
    config = configuration(fields)
    try:
        train.run(config, workdir)
    except UserError as error:
        assert "\n" not in str(error)
        assert not workdir.path.exists()
        return False
    last = json.loads(workdir.metrics.read_text().splitlines()[-1])
    assert last["step"] == config.train.num_steps
    assert math.isfinite(last["d_loss"])
    return True


@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(fields=few(PLAUSIBLE, 12))
def test_plausible_values_fit_or_are_refused(fields):
    config = configuration(fields)
    try:
        validation.validate(config)
    except UserError as error:
        assert "\n" not in str(error)


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(fields=few(PLAUSIBLE, 12))
def test_plausible_values_train_or_are_refused(tmp_path_factory, fields):
    path = tmp_path_factory.mktemp("fuzz") / "run"
    event("trained" if attempt(fields, path) else "refused")


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    good=few(PLAUSIBLE, 5),
    name=st.sampled_from(sorted(FIELDS)),
    value=JUNK,
)
def test_junk_in_a_field_is_refused(tmp_path_factory, good, name, value):
    assume(not FIELDS[name].check.accepts(value))
    path = tmp_path_factory.getbasetemp() / "never"
    assert not attempt({**good, name: value}, path)
