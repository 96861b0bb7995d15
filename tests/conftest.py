"""What every test shares: two devices, a fixed seed, a strategy over both."""

import importlib
import json
import os

import pytest
import tensorflow as tf
from absl import flags

from sagan_tf import runs
from sagan_tf.configuration import builders
from sagan_tf.training.checkpoints import Checkpoints
from sagan_tf.training.workdir import Workdir
from tests.training import toy

# Equal bit for bit is promised of a processor, so tests compute on one.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
# If that names a GPU, workers share its memory, and float32 stays whole.
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
tf.config.experimental.enable_tensor_float_32_execution(False)
# TensorFlow takes this only before it first touches a device.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)

# Commands share names of flags, which absl knows once in a process: each is
# imported here, and its flags taken out again. Tests call what lies below them.
for command in (
    "sagan_tf.train",
    "sagan_tf.evaluate",
    "sagan_tf.sample",
    "sagan_tf.attention",
    "sagan_tf.export",
    "sagan_tf.project",
    "tools.import_checkpoint",
    "tools.launch_local",
    "tools.make_pretrained",
    "tools.prepare_dataset",
):
    known = set(flags.FLAGS)
    importlib.import_module(command)
    for name in set(flags.FLAGS) - known:
        delattr(flags.FLAGS, name)


# TensorFlow Addons ended with this release: what compares with it runs there.
IS_REFERENCE_STACK = tf.__version__.startswith("2.15.")


def pytest_collection_modifyitems(config, items):
    """Leaves the tests of the other stack out, and counts them."""
    if IS_REFERENCE_STACK:
        return
    others = [item for item in items if "reference_stack" in item.keywords]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.fixture(autouse=True)
def _fixed_seed():
    tf.keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def make_run(path, **fields):
    """Writes the workdir of a run of step 3, as if it had been trained."""
    config = toy.config(**fields)
    workdir = Workdir(path)
    workdir.write_config(json.loads(config.to_json()))
    tf.keras.utils.set_random_seed(0)
    gan = builders.build_gan(config)
    # So that the average differs, and inference from training.
    for variable in gan.ema_generator.variables:
        if not variable.name.endswith("/u:0"):
            noise = tf.random.stateless_uniform(variable.shape, (3, 0))
            variable.assign_add(0.1 * noise)
    for network in (gan.generator, gan.ema_generator, gan.discriminator):
        for layer in network.attention_layers().values():
            layer.gate.assign(0.7)
    gan.step.assign(3)
    Checkpoints(workdir.checkpoints).save(gan)
    return workdir.path


@pytest.fixture(scope="session")
def toy_run(tmp_path_factory):
    """A run of twins: ten classes, attention on maps of 8 and of 16."""
    return make_run(
        tmp_path_factory.mktemp("runs") / "toy",
        model__attention_resolutions=(8, 16),
        dataset__num_examples=60,
    )


@pytest.fixture(scope="session")
def toy_weights(toy_run, tmp_path_factory):
    """A directory of pretrained weights, which hold that run as `toy`."""
    place = tmp_path_factory.mktemp("weights")
    run = runs.open_run(toy_run)
    from tools import make_pretrained

    make_pretrained.make(run, place / "toy", "Twins", "CC0-1.0")
    return place


@pytest.fixture(scope="session")
def unconditional_run(tmp_path_factory):
    """A run without classes and without attention."""
    return make_run(
        tmp_path_factory.mktemp("runs") / "unconditional",
        dataset__num_classes=0,
        model__attention_resolutions=(),
    )
