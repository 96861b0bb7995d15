"""Several workers of one command, and the manifest that does it elsewhere."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import pytest
import yaml

from tools import local_workers

ROOT = pathlib.Path(__file__).parents[2]
PYTHON = [sys.executable, "-c"]


def run(program, tmp_path, workers=2, grace=10.0):
    processes = local_workers.start([*PYTHON, program], workers, tmp_path)
    return local_workers.wait(processes, grace), processes


def log(tmp_path, index):
    return (tmp_path / f"worker_{index}.log").read_text()


def test_each_worker_knows_the_others_and_its_number(tmp_path):
    program = "import os; print(os.environ['TF_CONFIG'])"
    failed, processes = run(program, tmp_path, workers=3)
    assert failed is None
    assert [process.returncode for process in processes] == [0, 0, 0]
    contents = [json.loads(log(tmp_path, index)) for index in range(3)]
    assert [content["task"]["index"] for content in contents] == [0, 1, 2]
    hosts = contents[0]["cluster"]["worker"]
    assert len(set(hosts)) == 3
    assert all(content["cluster"]["worker"] == hosts for content in contents)


FAILING = """
import json, os, sys, time
if json.loads(os.environ["TF_CONFIG"])["task"]["index"]:
    sys.exit("worker is broken")
{before}
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("before", "signal_number"),
    [
        ("", signal.SIGTERM),
        (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)",
            signal.SIGKILL,
        ),
    ],
)
def test_when_one_fails_all_are_ended(tmp_path, before, signal_number):
    program = FAILING.format(before=before)
    if before:
        # It must not be asked to end before it can ignore that.
        program = program.replace("sys.exit", "time.sleep(1); sys.exit")
    failed, processes = run(program, tmp_path, grace=0.2)
    assert failed == 1
    assert [process.returncode for process in processes] == [-signal_number, 1]
    assert "worker is broken" in log(tmp_path, 1)
    assert log(tmp_path, 0) == ""


def start_main(tmp_path, program):
    words = ["-m", "tools.launch_local", f"--logs={tmp_path}"]
    return subprocess.Popen(
        [sys.executable, *words, "--threads=1", "--", *PYTHON, program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_says_which_worker_failed(tmp_path):
    program = FAILING.format(before="").replace(
        '"worker is broken"',
        "'broken with ' + os.environ['TF_NUM_INTRAOP_THREADS']",
    )
    process = start_main(tmp_path, program)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.startswith("tools.launch_local: worker 1 ended with status 1")
    assert errors.endswith("broken with 1\n")
    assert errors.count("\n") == 1


def test_sigterm_is_handed_on(tmp_path):
    program = """
import signal, sys, time
def stop(*_):
    print("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    process = start_main(tmp_path, program)
    while not all(
        (tmp_path / f"worker_{index}.log").exists()
        and "ready" in log(tmp_path, index)
        for index in (0, 1)
    ):
        assert process.poll() is None
        time.sleep(0.05)
    process.terminate()
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "2 workers ended" in output
    assert "saved" in log(tmp_path, 0) and "saved" in log(tmp_path, 1)


@pytest.fixture(scope="module")
def manifest():
    text = (ROOT / "docs" / "kubernetes.yaml").read_text()
    return {part["kind"]: part for part in yaml.safe_load_all(text)}


def pod(manifest):
    return manifest["Job"]["spec"]["template"]["spec"]


def test_the_manifest_holds_together(manifest):
    job, service = manifest["Job"], manifest["Service"]
    assert (job["apiVersion"], service["apiVersion"]) == ("batch/v1", "v1")
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["spec"]["clusterIP"] == "None"
    assert pod(manifest)["subdomain"] == service["metadata"]["name"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == job["spec"]["parallelism"]
    assert pod(manifest)["restartPolicy"] in ("OnFailure", "Never")
    (container,) = pod(manifest)["containers"]
    ports = {port["containerPort"] for port in container["ports"]}
    assert ports == {port["port"] for port in service["spec"]["ports"]}
    volumes = {volume["name"] for volume in pod(manifest)["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    for part in (job, service):
        assert re.fullmatch(r"[a-z0-9-]{1,63}", part["metadata"]["name"])
    for variable in container["env"]:
        assert isinstance(variable["value"], str)
    assert {part for part in container} <= {
        *("name", "image", "workingDir", "ports", "env", "command", "args"),
        *("resources", "volumeMounts"),
    }


def start_container(manifest, tmp_path, program, index):
    """Runs the container's script with another program for Python."""
    (container,) = pod(manifest)["containers"]
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{program}\n")
    python.chmod(0o755)
    variables = {part["name"]: part["value"] for part in container["env"]}
    return subprocess.Popen(
        [*container["command"], *container["args"]],
        env={
            **variables,
            "WORKDIR": str(tmp_path),
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "JOB_COMPLETION_INDEX": str(index),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_manifests_workers_find_each_other(manifest, tmp_path):
    (tmp_path / "checkpoints" / "step_01000000").mkdir(parents=True)
    program = 'echo "$TF_CONFIG"; for word in "$@"; do echo "$word"; done'
    process = start_container(manifest, tmp_path, program, 1)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    text, *words = output.splitlines()
    content = json.loads(text)
    assert content["task"] == {"type": "worker", "index": 1}
    count = manifest["Job"]["spec"]["completions"]
    name = manifest["Job"]["metadata"]["name"]
    domain = manifest["Service"]["metadata"]["name"]
    assert content["cluster"]["worker"] == [
        f"{name}-{index}.{domain}:8470" for index in range(count)
    ]
    assert words[:2] == ["-m", "sagan_tf.train"]
    assert f"--workdir={tmp_path}" in words


def test_the_manifests_run_is_complete_at_its_last_step_only(
    manifest, tmp_path
):
    """SIGTERM reaches the training, whose success is not the job's."""
    program = "trap 'echo saved; exit 0' TERM; echo ready; sleep 60 & wait"
    process = start_container(manifest, tmp_path, program, 0)
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.stdout.readline() == "saved\n"
    assert process.wait(timeout=60) == 1
