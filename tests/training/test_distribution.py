"""Replicas and workers see the same batches and end in the same weights."""

import contextlib
import json
import os

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.configuration import builders
from sagan_tf.data import open_dataset
from sagan_tf.errors import UserError
from sagan_tf.layers import ConditionalBatchNormalization
from sagan_tf.training import clusters, distribution, loop, workers
from sagan_tf.training.workdir import Workdir
from tests.training import toy

# Five steps of Adam multiply the rounding of sums in another order; the
# variances of the moments are far below.
TOLERANCE = 1e-4
FIVE_STEPS = {
    "train__num_steps": 5,
    "checkpoint__every_steps": 4,
    "log__sheet_every_steps": 5,
    # Gradients that are zero but for rounding must not become full steps.
    "optimizer__epsilon": 1e-2,
}


def records(workdir):
    return [json.loads(line) for line in workdir.metrics.open()]


def train(config, path, strategy=None):
    """Trains in this process; returns the workdir."""
    strategy = strategy or tf.distribute.get_strategy()
    workdir = Workdir(path)
    workdir.create()
    with strategy.scope():
        gan = builders.build_gan(config)
    loop.train(
        gan,
        builders.build_dataset(config),
        workdir,
        builders.build_checkpoints(config, workdir),
        builders.build_schedule(config),
        builders.build_records(config, gan, workdir),
    )
    return workdir


def tensors(workdir, step):
    prefix = workdir.checkpoints / f"step_{step:08d}" / "state"
    reader = tf.train.load_checkpoint(str(prefix))
    return {
        name: reader.get_tensor(name)
        for name in reader.get_variable_to_shape_map()
        if name != "_CHECKPOINTABLE_OBJECT_GRAPH"
    }


def check_equal(one, other, steps=5):
    for ours, theirs in zip(records(one), records(other)):
        assert ours["step"] == theirs["step"]
        for name in ("d_loss", "g_loss", "d_real", "d_fake"):
            assert ours[name] == pytest.approx(theirs[name], abs=TOLERANCE)
    assert len(records(one)) == len(records(other)) == steps
    mine, its = tensors(one, steps), tensors(other, steps)
    assert set(mine) == set(its)
    for name, value in mine.items():
        np.testing.assert_allclose(value, its[name], atol=TOLERANCE)


def test_two_replicas_train_like_one(alone, two_replicas, tmp_path):
    shared = train(toy.config(**FIVE_STEPS), tmp_path / "run", two_replicas)
    check_equal(shared, alone)
    before = tensors(alone, 4)
    moved = [
        np.abs(value - before[name]).max()
        for name, value in tensors(alone, 5).items()
        if value.dtype == np.float32
    ]
    assert max(moved) > 10 * TOLERANCE


@pytest.mark.parametrize("updates", [1, 2])
@pytest.mark.parametrize("pipelines", [1, 2])
def test_shares_are_the_global_batch(updates, pipelines):
    dataset = open_dataset("twins", image_size=32, num_examples=10)
    options = {"seed": 3, "start_batch": 4}
    whole = dataset.training_batches(8, **options).take(3)
    here = 4 // pipelines
    shares = [
        iter(
            dataset.training_batches(
                8,
                **options,
                updates=updates,
                num_replicas=4,
                replicas=range(first, first + here),
            )
        )
        for first in range(0, 4, here)
    ]
    for images, labels in whole:
        parts = [next(share) for share in shares for _ in range(here)]
        assert [len(part) for part, _ in parts] == [2] * 4
        for joined, expected in (
            (join([part for part, _ in parts], updates), images),
            (join([part for _, part in parts], updates), labels),
        ):
            np.testing.assert_array_equal(joined, expected)


def join(parts, updates):
    """What the replicas see together, update by update."""
    split = [np.split(part, updates) for part in parts]
    return np.concatenate([part[i] for i in range(updates) for part in split])


def test_shares_have_no_end_and_one_shape():
    dataset = open_dataset("twins", image_size=32, num_examples=10)
    share = dataset.training_batches(
        4, seed=0, num_replicas=2, replicas=range(1, 2)
    )
    assert int(share.cardinality()) == tf.data.INFINITE_CARDINALITY
    assert share.element_spec[0].shape == (2, 32, 32, 3)


@pytest.mark.parametrize(
    ("batch_size", "nearest"), [(7, 8), (9, 8), (1, 2), (33, 32)]
)
def test_a_batch_that_does_not_divide_is_refused(
    two_replicas, batch_size, nearest
):
    with pytest.raises(UserError) as caught:
        distribution.check_batch_size(batch_size, two_replicas)
    message = str(caught.value)
    assert "multiple of the 2 replicas" in message
    assert message.endswith(f"Received: {batch_size}; the nearest is {nearest}")
    distribution.check_batch_size(nearest, two_replicas)


def test_parts_of_a_share_are_a_share(two_replicas):
    distribution.check_batch_size(12, two_replicas, 3)
    with pytest.raises(
        UserError, match=r"gradient_accumulation \(3\)"
    ) as found:
        distribution.check_batch_size(8, two_replicas, 3)
    assert "the nearest is 6" in str(found.value)


def test_strategies_by_name(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    create = distribution.create_strategy
    assert create() is tf.distribute.get_strategy()
    one = create("one_device")
    assert isinstance(one, tf.distribute.OneDeviceStrategy)
    assert create("mirrored").num_replicas_in_sync == 2
    with pytest.raises(ValueError, match="nothing"):
        create("nothing")


def test_a_config_that_two_replicas_cannot_share_is_refused():
    config = toy.config(train__batch_size=5, distribution__strategy="mirrored")
    with pytest.raises(UserError, match="2 replicas"):
        builders.build_strategy(config)


@pytest.mark.parametrize("synchronized", [True, False])
def test_statistics_are_shared_by_a_field(synchronized):
    config = toy.config(model__synchronized_batch_norm=synchronized)
    norms = [
        layer
        for layer in builders.build_generator(config).submodules
        if isinstance(layer, ConditionalBatchNormalization)
    ]
    assert len(norms) == 7
    assert {layer.synchronized for layer in norms} == {synchronized}


def test_one_process_is_its_own_chief(two_replicas):
    assert distribution.is_chief(two_replicas)
    assert not distribution.has_workers(two_replicas)
    assert distribution.everywhere(two_replicas, 7) == [7, 7]


def tf_config(monkeypatch, cluster, kind="worker", index=0):
    task = {"type": kind, "index": index}
    text = json.dumps({"cluster": cluster, "task": task})
    monkeypatch.setenv("TF_CONFIG", text)


@pytest.mark.parametrize(
    ("cluster", "kind", "index", "chief"),
    [
        ({"worker": ["a:1", "b:1"]}, "worker", 0, True),
        ({"worker": ["a:1", "b:1"]}, "worker", 1, False),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "worker", 0, False),
        ({"chief": ["a:1"], "worker": ["b:1"]}, "chief", 0, True),
    ],
)
def test_the_chief_of_tf_config(monkeypatch, cluster, kind, index, chief):
    tf_config(monkeypatch, cluster, kind, index)
    assert clusters.has_several_workers()
    assert clusters.is_chief(clusters.resolve("tf_config")) == chief


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '{"cluster": {}}',
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "b", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]},'
        ' "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a"]},'
        ' "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": 3}, "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_bad_tf_config_is_refused(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError, match="TF_CONFIG should be like") as caught:
        distribution.create_strategy("auto")
    assert "\n" not in str(caught.value)


def test_no_cluster_is_refused(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_PROCID", "TPU_NAME"):
        monkeypatch.delenv(name, raising=False)
    for cluster, words in (
        ("tf_config", "TF_CONFIG"),
        ("slurm", "srun"),
        ("kubernetes", "kubernetes should find"),
        ("gce", "gce should find"),
    ):
        with pytest.raises(UserError, match=words) as caught:
            distribution.create_strategy("multi_worker", cluster, "a/b/c")
        assert "\n" not in str(caught.value)


def test_slurm_is_asked_for_hosts(monkeypatch):
    slurm = {
        "SLURM_PROCID": "3",
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_NODELIST": "n[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
        # Without devices there is nothing to share out.
        "CUDA_VISIBLE_DEVICES": "",
    }
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    resolver = clusters.resolve("slurm")
    assert resolver.cluster_spec().as_dict() == {
        "worker": ["n1:8470", "n1:8471", "n2:8470", "n2:8471"]
    }
    assert (resolver.task_type, resolver.task_id) == ("worker", 3)
    assert not clusters.is_chief(resolver)


@pytest.mark.parametrize(
    ("gpus", "process", "devices"), [(4, 1, "2,3"), (2, 3, "1"), (1, 1, None)]
)
def test_slurm_shares_gpus_out(monkeypatch, tmp_path, gpus, process, devices):
    slurm = {
        "SLURM_PROCID": str(process),
        "SLURM_STEP_NUM_TASKS": "4",
        "SLURM_STEP_NODELIST": "n[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "2(x2)",
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    for name, value in slurm.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nseq {gpus} | sed 's/^/GPU /'\n")
    program.chmod(0o755)
    # It would no longer read the variable.
    monkeypatch.setattr(tf.config, "list_physical_devices", None)
    resolver = clusters.resolve("slurm")
    assert resolver.task_id == process
    assert len(resolver.cluster_spec().as_dict()["worker"]) == 4
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == devices


def fixed_resolver(*hosts):
    spec = tf.train.ClusterSpec({"worker": list(hosts)})
    return tf.distribute.cluster_resolver.SimpleClusterResolver(spec)


@pytest.mark.parametrize(
    ("cluster", "address", "resolver"),
    [
        ("kubernetes", "app=sagan", "KubernetesClusterResolver"),
        ("gce", "project/zone/group", "GCEClusterResolver"),
    ],
)
def test_a_host_finds_its_own_number(monkeypatch, cluster, address, resolver):
    asked = []

    def answer(*arguments, **options):
        asked.append((arguments, options))
        return fixed_resolver("10.0.0.1:8470", "10.0.0.2:8470")

    monkeypatch.setattr(tf.distribute.cluster_resolver, resolver, answer)
    monkeypatch.setenv("HOST_IP", "10.0.0.2")
    found = clusters.resolve(cluster, address)
    assert (found.task_type, found.task_id) == ("worker", 1)
    assert any(word in str(asked) for word in ("app=sagan", "'zone'"))
    monkeypatch.setenv("HOST_IP", "10.0.0.3")
    with pytest.raises(UserError, match=r"10\.0\.0\.3, should be one of"):
        clusters.resolve(cluster, address)


def test_no_tpu_is_refused(monkeypatch):
    def absent(name):
        raise ValueError(f"no TPU {name}\nanywhere")

    resolver = tf.distribute.cluster_resolver.TPUClusterResolver
    monkeypatch.setattr(resolver, "connect", absent)
    with pytest.raises(UserError, match="TPU_NAME. Received: no TPU") as caught:
        distribution.create_strategy("tpu", address="mine")
    assert "\n" not in str(caught.value)


@contextlib.contextmanager
def as_worker(monkeypatch, chief, steps=None):
    monkeypatch.setattr(distribution, "is_chief", lambda _: chief)
    monkeypatch.setattr(distribution, "has_workers", lambda _: True)
    if steps:
        monkeypatch.setattr(distribution, "everywhere", lambda *_: steps)
    yield


def test_only_the_chief_writes_into_the_workdir(monkeypatch, tmp_path):
    strategy = tf.distribute.get_strategy()
    with as_worker(monkeypatch, chief=True):
        with workers.own_workdir(strategy, Workdir(tmp_path)) as own:
            assert own.path == tmp_path
    with as_worker(monkeypatch, chief=False):
        with workers.own_workdir(strategy, Workdir(tmp_path)) as own:
            assert own.path != tmp_path and own.path.is_dir()
        assert not own.path.exists()


def test_workers_that_see_different_files_are_refused(monkeypatch, tmp_path):
    config = toy.config()
    gan = builders.build_gan(config)
    checkpoints = builders.build_checkpoints(config, Workdir(tmp_path))
    with as_worker(monkeypatch, chief=True, steps=[0, 20]):
        with pytest.raises(UserError, match=r"all workers share.*\[0, 20\]"):
            workers.restore_latest(gan, checkpoints)


def test_a_lost_worker_is_one_line(monkeypatch):
    strategy = tf.distribute.get_strategy()
    error = tf.errors.UnavailableError(None, None, "peer is down\nand more")
    with as_worker(monkeypatch, chief=True):
        with pytest.raises(UserError, match="another worker") as caught:
            with workers.losses_explained(strategy):
                raise error
        assert "peer is down" in str(caught.value)
        assert "\n" not in str(caught.value)
    monkeypatch.undo()
    with pytest.raises(tf.errors.UnavailableError):
        with workers.losses_explained(strategy):
            raise error


def test_environment_is_left_alone():
    assert "TF_CONFIG" not in os.environ
