"""Where the workers of a run are, and which of them this process is."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from typing import Callable

import tensorflow as tf

from sagan_tf.errors import UserError, one_line

Resolver = tf.distribute.cluster_resolver.ClusterResolver

PORT = 8470
HOST_VARIABLE = "HOST_IP"
_EXAMPLE = (
    '{"cluster": {"worker": ["host:port", "host:port"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def resolve(name: str, address: str = "") -> Resolver:
    """Finds the workers of a cluster.

    Args:
        name: who knows them: `"tf_config"` (the environment variable
            TF_CONFIG), `"slurm"`, `"kubernetes"` or `"gce"`.
        address: for Kubernetes the label of the pods, such as `app=sagan`; for
            GCE `PROJECT/ZONE/INSTANCE_GROUP`.

    Returns:
        One of TensorFlow's resolvers, which knows this worker's number.

    Raises:
        UserError: if the cluster cannot be found.
    """
    try:
        resolver = _RESOLVERS[name](address)
        resolver.cluster_spec()
    except UserError:
        raise
    except Exception as error:
        # The resolvers raise whatever their clients raise.
        raise UserError(
            f"config.distribution.cluster={name} should find its workers. "
            f"Received: {one_line(error)}"
        ) from error
    return resolver


def has_several_workers() -> bool:
    """Whether TF_CONFIG names more than one worker.

    Raises:
        UserError: if TF_CONFIG is set and cannot be used.
    """
    if not os.environ.get("TF_CONFIG"):
        return False
    return sum(map(len, _read_tf_config()["cluster"].values())) > 1


def is_chief(resolver: Resolver) -> bool:
    """Whether this process is the one that writes files."""
    if not resolver.task_type:
        return True
    if "chief" in resolver.cluster_spec().jobs:
        return resolver.task_type == "chief"
    return resolver.task_id == 0


def _read_tf_config() -> dict[str, dict[str, object]]:
    text = os.environ.get("TF_CONFIG", "")
    try:
        content = json.loads(text)
        cluster, task = content["cluster"], content["task"]
        hosts = cluster[task["type"]]
        named = all(
            isinstance(host, str) and ":" in host
            for job in cluster.values()
            for host in job
        )
        if named and 0 <= int(task["index"]) < len(hosts):
            return content
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise UserError(f"TF_CONFIG should be like {_EXAMPLE}. Received: {text!r}")


def _tf_config(address: str) -> Resolver:
    del address
    _read_tf_config()
    return tf.distribute.cluster_resolver.TFConfigClusterResolver()


def _slurm(address: str) -> Resolver:
    del address
    if "SLURM_PROCID" not in os.environ:
        raise UserError(
            "config.distribution.cluster=slurm should run under srun: "
            "SLURM_PROCID is not set"
        )
    create = tf.distribute.cluster_resolver.SlurmClusterResolver
    # It shares the GPUs of a node out to its tasks by CUDA_VISIBLE_DEVICES,
    # which TensorFlow reads when it first looks for devices: do not ask it.
    if os.environ.get("CUDA_VISIBLE_DEVICES") != "":
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            resolver = create(port_base=PORT)
            resolver.cluster_spec()
            return resolver
    # No GPU, or not one for each task: every task keeps what it sees.
    return create(
        port_base=PORT,
        gpus_per_node=10**6,
        gpus_per_task=1,
        auto_set_gpu=False,
    )


def _kubernetes(address: str) -> Resolver:
    return _with_own_number(
        tf.distribute.cluster_resolver.KubernetesClusterResolver(
            {"worker": [address]}, tf_server_port=PORT
        )
    )


def _gce(address: str) -> Resolver:
    project, zone, group = address.split("/")
    return _with_own_number(
        tf.distribute.cluster_resolver.GCEClusterResolver(
            project, zone, group, PORT
        )
    )


def _with_own_number(resolver: Resolver) -> Resolver:
    """Looks this host up among the workers, which these resolvers do not."""
    workers = resolver.cluster_spec().as_dict().get("worker", [])
    host = os.environ.get(HOST_VARIABLE) or socket.gethostbyname(
        socket.gethostname()
    )
    numbers = [
        number
        for number, worker in enumerate(workers)
        if worker.rpartition(":")[0] == host
    ]
    if len(numbers) != 1:
        raise UserError(
            f"this host, {host}, should be one of the workers {workers}; "
            f"{HOST_VARIABLE} can name it"
        )
    resolver.task_type, resolver.task_id = "worker", numbers[0]
    return resolver


_RESOLVERS: dict[str, Callable[[str], Resolver]] = {
    "tf_config": _tf_config,
    "slurm": _slurm,
    "kubernetes": _kubernetes,
    "gce": _gce,
}
