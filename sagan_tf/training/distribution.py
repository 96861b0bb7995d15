"""Which devices a run uses, and what they can do."""

from __future__ import annotations

import functools
import pathlib
from typing import Any, Callable

import tensorflow as tf

from sagan_tf.errors import UserError, one_line
from sagan_tf.training import clusters, devices

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
# First generation of NVIDIA devices with bfloat16: Ampere.
_BFLOAT16_CAPABILITY = (8, 0)
# Processors exchange gradients faster in pieces than all at once, TensorFlow's
# choice: `tools.benchmark --only=scaling` gained 5 to 8 % from it.
_CPU_PACK_BYTES = 2**20


def create_strategy(
    name: str = "auto",
    cluster: str = "tf_config",
    address: str = "",
    memory_growth: bool | None = None,
) -> tf.distribute.Strategy:
    """Creates a distribution strategy.

    Several workers have to be connected before TensorFlow does anything else:
    call this first.

    Args:
        name: `"one_device"`; `"mirrored"`: the devices of this process;
            `"multi_worker"`: those of all processes of a cluster; `"tpu"`;
            `"local"`: a mirrored strategy over several GPUs of this process,
            else TensorFlow's default; or `"auto"`: several workers where
            TF_CONFIG names them, else as `"local"`.
        cluster: for several workers, who knows them; see `clusters.resolve`.
        address: of the cluster or the TPU; see `clusters.resolve`. A TPU has
            the name in TPU_NAME if there is none here, `"local"` on its own
            machine.
        memory_growth: how memory of GPUs is taken, see `devices.grow_memory`;
            None leaves it as it is.

    Raises:
        UserError: if the devices or the cluster cannot be found.
        ValueError: if the name is unknown.
    """
    if name == "auto" and clusters.has_several_workers():
        name = "multi_worker"
    resolver = None
    if name == "multi_worker":
        # Before TensorFlow looks for GPUs: Slurm's shares them out.
        resolver = clusters.resolve(cluster, address)
    if memory_growth is not None:
        devices.grow_memory(memory_growth)
    if name in ("auto", "local"):
        if len(tf.config.list_physical_devices("GPU")) < 2:
            return tf.distribute.get_strategy()
        name = "mirrored"
    if name == "one_device":
        kind = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
        return tf.distribute.OneDeviceStrategy(f"{kind}:0")
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if resolver is not None:
        return _connect_workers(resolver)
    if name == "tpu":
        return _connect_tpu(address)
    raise ValueError(f"`name` should be a strategy. Received: {name!r}")


def _connect_workers(resolver: clusters.Resolver) -> tf.distribute.Strategy:
    # It tells of every single exchange.
    tf.get_logger().setLevel("WARNING")
    options = None
    if not tf.config.list_physical_devices("GPU"):
        options = tf.distribute.experimental.CommunicationOptions(
            bytes_per_pack=_CPU_PACK_BYTES
        )
    try:
        return tf.distribute.MultiWorkerMirroredStrategy(resolver, options)
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise UserError(
            f"the workers should reach each other. Received: {one_line(error)}"
        ) from error


def _connect_tpu(address: str) -> tf.distribute.Strategy:
    try:
        resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(
            address or None
        )
        return tf.distribute.TPUStrategy(resolver)
    except Exception as error:
        # Its clients for names and metadata raise errors of many kinds.
        raise UserError(
            "config.distribution.strategy=tpu should find a TPU, by "
            "config.distribution.address or TPU_NAME. Received: "
            f"{one_line(error)}"
        ) from error


def has_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether other processes take part in every step."""
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes files."""
    if not has_workers(strategy):
        return True
    return clusters.is_chief(strategy.cluster_resolver)


def everywhere(strategy: tf.distribute.Strategy, value: int) -> list[int]:
    """Returns a number of each replica; all workers have to call it.

    Args:
        value: this process's number.
    """
    if not has_workers(strategy):
        return [value] * strategy.num_replicas_in_sync
    vectors = strategy.experimental_distribute_values_from_function(
        lambda context: tf.one_hot(
            context.replica_id_in_sync_group,
            context.num_replicas_in_sync,
            on_value=tf.constant(value, tf.int64),
        )
    )
    return _adder(strategy)(vectors).numpy().tolist()


@functools.lru_cache(maxsize=None)
def _adder(strategy: tf.distribute.Strategy) -> Callable[[Any], tf.Tensor]:
    """One graph for each strategy: it is called after every step."""
    return tf.function(
        lambda values: strategy.reduce(
            tf.distribute.ReduceOp.SUM, values, axis=None
        )
    )


def check_batch_size(
    batch_size: int, strategy: tf.distribute.Strategy, parts: int = 1
) -> None:
    """Refuses a global batch that replicas cannot share equally.

    Args:
        batch_size: images per update on all devices together.
        parts: how many parts each replica takes its share in.

    Raises:
        UserError: naming the nearest size that can be shared.
    """
    replicas = strategy.num_replicas_in_sync
    unit = replicas * parts
    if batch_size % unit:
        nearest = unit * max(1, round(batch_size / unit))
        expected = f"a multiple of the {replicas} replicas"
        if parts > 1:
            expected += f" times config.train.gradient_accumulation ({parts})"
        raise UserError(
            f"config.train.batch_size should be {expected}. Received: "
            f"{batch_size}; the nearest is {nearest}"
        )


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
