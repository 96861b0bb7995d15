"""What is decided about GPUs, on a machine that need not have one."""

import importlib
import subprocess
import sys
import types

import pytest
import tensorflow as tf

from sagan_tf import training_run
from sagan_tf.training import clusters, devices, distribution
from tests.training import toy

# A GPU whose memory is set as the logical devices of the processor are: only
# before TensorFlow has started.
TRAINING_WITH_A_GPU = """
import runpy, sys, types
import tensorflow as tf
from sagan_tf.configuration import builders

look = tf.config.list_physical_devices
(processor,) = look("CPU")

def grow(gpu, growing):
    parts = [tf.config.LogicalDeviceConfiguration()]
    tf.config.set_logical_device_configuration(processor, parts)
    print("growing", gpu.name, growing)

tf.config.list_physical_devices = lambda kind: (
    [types.SimpleNamespace(name="GPU:0")] if kind == "GPU" else look(kind)
)
tf.config.experimental.set_memory_growth = grow
builders.build_dataset = lambda *_: sys.exit("the strategy is built")
runpy.run_module("sagan_tf.train", run_name="__main__", alter_sys=True)
"""
LISTED = "GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-1)"


@pytest.fixture(autouse=True)
def _float32_as_it_was():
    config = tf.config.experimental
    enabled = config.tensor_float_32_execution_enabled()
    yield
    config.enable_tensor_float_32_execution(enabled)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Lists GPUs as TensorFlow would; returns a directory for programs."""

    def see(*gpus):
        monkeypatch.setattr(
            tf.config, "list_physical_devices", lambda kind=None: list(gpus)
        )

    see()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "dev").mkdir()
    (tmp_path / "bin").mkdir()

    def add_program(text):
        program = tmp_path / "bin" / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(0o755)

    monkeypatch.setattr(devices, "_DEVICE_FILES", tmp_path / "dev")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return types.SimpleNamespace(
        see=see,
        add_program=add_program,
        find=devices.find_idle_gpu,
        files=tmp_path / "dev",
    )


def test_a_machine_without_a_gpu_is_silent(machine):
    # What the driver's container leaves where no GPU is given.
    (machine.files / "nvidiactl").touch()
    assert machine.find() == ""


def test_a_device_file_tells_of_an_idle_gpu(machine):
    for number in (1, 2):
        (machine.files / f"nvidia{number}").touch()
    assert machine.find() == str(machine.files / "nvidia1")


def test_the_driver_s_program_tells_of_an_idle_gpu(machine):
    machine.add_program(f'[ "$*" = -L ] && echo "{LISTED}"')
    assert machine.find() == LISTED


@pytest.mark.parametrize(
    "text",
    ["echo No devices were found; exit 6", "exec /bin/sleep 60", "kill -9 $$"],
)
def test_a_program_that_lists_nothing_tells_nothing(machine, monkeypatch, text):
    monkeypatch.setattr(devices, "_PATIENCE_SECONDS", 1.0)
    machine.add_program(text)
    assert machine.find() == ""


@pytest.mark.parametrize("hidden", ["", " ", "-1", "-1,0"])
def test_a_gpu_that_the_user_hides_is_not_idle(machine, monkeypatch, hidden):
    (machine.files / "nvidia0").touch()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert machine.find() == ""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert machine.find()


def test_a_gpu_that_tensorflow_sees_is_not_idle(machine):
    (machine.files / "nvidia0").touch()
    machine.see(types.SimpleNamespace(name="GPU:0"))
    assert machine.find() == ""


def test_an_idle_gpu_is_one_warning_with_the_line_that_helps(
    monkeypatch, caplog
):
    monkeypatch.setattr(devices, "find_idle_gpu", lambda: "/dev/nvidia0")
    devices.warn_of_idle_gpu()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("/dev/nvidia0 is there, but")
    assert "`make setup GPU=1`" in record.getMessage()
    assert "\n" not in record.getMessage()


def test_no_gpu_is_no_warning(monkeypatch, caplog):
    monkeypatch.setattr(devices, "find_idle_gpu", lambda: "")
    devices.warn_of_idle_gpu()
    assert not caplog.records


@pytest.fixture
def grown(machine, monkeypatch):
    """Two GPUs, and what is said about the memory of each."""
    machine.see(*(types.SimpleNamespace(name=f"GPU:{n}") for n in range(2)))
    grown = {}
    monkeypatch.setattr(
        tf.config.experimental,
        "set_memory_growth",
        lambda gpu, growing: grown.update({gpu.name: growing}),
    )
    return grown


@pytest.mark.parametrize("growing", [True, False])
def test_memory_of_each_gpu_grows_or_not(grown, growing):
    devices.grow_memory(growing)
    assert grown == {"GPU:0": growing, "GPU:1": growing}


def test_memory_that_is_taken_already_is_a_warning(grown, monkeypatch, caplog):
    def refuse(gpu, growing):
        raise RuntimeError("devices cannot be modified")

    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", refuse)
    devices.grow_memory(True)
    assert "the memory of GPU:0: devices cannot be modified" in caplog.text


def test_scoring_and_drawing_share_a_gpu_and_round_as_float32(
    grown, monkeypatch
):
    warned = []
    monkeypatch.setattr(
        devices, "warn_of_idle_gpu", lambda: warned.append(True)
    )
    devices.allow_tensor_float_32(True)
    devices.prepare()
    assert grown == {"GPU:0": True, "GPU:1": True}
    assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert warned == [True]


class FirstOfAllError(Exception):
    """Ends a command."""


@pytest.mark.parametrize(
    "name", ["evaluate", "sample", "attention", "export", "project"]
)
def test_a_command_sets_gpus_up_before_all_else(monkeypatch, name):
    def stop():
        raise FirstOfAllError

    monkeypatch.setattr(devices, "prepare", stop)
    with pytest.raises(FirstOfAllError):
        importlib.import_module(f"sagan_tf.{name}").main([name])


@pytest.mark.parametrize("growing", [True, False])
def test_training_takes_memory_by_its_field(monkeypatch, growing):
    asked = []
    monkeypatch.setattr(devices, "grow_memory", asked.append)
    config = toy.config(distribution__memory_growth=growing)
    training_run._open_devices(config, evaluate_every=0)
    assert asked == [growing]


def test_memory_is_decided_before_tensorflow_starts(tmp_path):
    fields = {**toy.FIELDS, "distribution.memory_growth": False}
    done = subprocess.run(
        [
            *(sys.executable, "-c", TRAINING_WITH_A_GPU),
            *("--config=configs/default.py", f"--workdir={tmp_path}"),
            *(f"--config.{name}={value}" for name, value in fields.items()),
        ],
        capture_output=True,
        text=True,
    )
    assert done.stderr.endswith("the strategy is built\n")
    assert "memory of" not in done.stderr
    assert done.stdout == "growing GPU:0 False\n"


@pytest.mark.parametrize(
    ("field", "evaluate_every", "enabled"),
    [(True, 0, True), (False, 0, False), (True, 5, False), (False, 5, False)],
)
def test_training_rounds_by_its_field_unless_it_scores_itself(
    field, evaluate_every, enabled
):
    devices.allow_tensor_float_32(not enabled)
    config = toy.config(train__tensor_float_32=field)
    training_run._open_devices(config, evaluate_every)
    found = tf.config.experimental.tensor_float_32_execution_enabled()
    assert found == enabled


def test_training_warns_of_an_idle_gpu_once(monkeypatch):
    warned = []
    monkeypatch.setattr(
        devices, "warn_of_idle_gpu", lambda: warned.append(True)
    )
    training_run._open_devices(toy.config(), evaluate_every=0)
    assert warned == [True]


def test_a_resolver_shares_gpus_out_before_tensorflow_looks(monkeypatch):
    events = []
    monkeypatch.setattr(
        clusters, "resolve", lambda *_: events.append("resolve") or "resolver"
    )
    monkeypatch.setattr(
        devices, "grow_memory", lambda growing: events.append("memory")
    )
    monkeypatch.setattr(distribution, "_connect_workers", events.append)
    distribution.create_strategy("multi_worker", "slurm", memory_growth=True)
    assert events == ["resolve", "memory", "resolver"]


def test_a_strategy_leaves_memory_as_it_is_unless_told(monkeypatch):
    monkeypatch.setattr(devices, "grow_memory", None)
    distribution.create_strategy("local")
