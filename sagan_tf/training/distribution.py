"""Which devices a run uses, and what they can do."""

from __future__ import annotations

import pathlib

import tensorflow as tf

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
# First generation of NVIDIA devices with bfloat16: Ampere.
_BFLOAT16_CAPABILITY = (8, 0)


def create_strategy(name: str) -> tf.distribute.Strategy:
    """Creates a distribution strategy.

    Args:
        name: `"auto"`: all devices that this process sees: a mirrored
            strategy over several GPUs, else TensorFlow's default.

    Raises:
        ValueError: if the name is unknown.
    """
    if name != "auto":
        raise ValueError(f"`name` should be 'auto'. Received: {name!r}")
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def has_native_bfloat16() -> bool:
    """Whether the devices in use compute in bfloat16 natively.

    That is: every GPU is of the Ampere generation or later; or there is a TPU;
    or there is neither and the processor has AVX-512 BF16 or AMX.
    """
    if tf.config.list_physical_devices("TPU"):
        return True
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = map(tf.config.experimental.get_device_details, gpus)
        return all(
            detail.get("compute_capability", (0, 0)) >= _BFLOAT16_CAPABILITY
            for detail in details
        )
    if not _CPU_INFO.exists():
        return False
    flags = _CPU_INFO.read_text().split()
    return "avx512_bf16" in flags or "amx_bf16" in flags
