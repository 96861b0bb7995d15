"""What every test shares: two devices, a fixed seed, a strategy over both."""

import importlib

import pytest
import tensorflow as tf
from absl import flags

# TensorFlow takes this only before it first touches a device.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)

# Commands share names of flags, which absl knows once in a process: each is
# imported here, and its flags taken out again. Tests call what lies below them.
for command in ("sagan_tf.train", "tools.import_checkpoint"):
    known = set(flags.FLAGS)
    importlib.import_module(command)
    for name in set(flags.FLAGS) - known:
        delattr(flags.FLAGS, name)


@pytest.fixture(autouse=True)
def _fixed_seed():
    tf.keras.utils.set_random_seed(0)


@pytest.fixture(scope="session")
def two_replicas() -> tf.distribute.Strategy:
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
