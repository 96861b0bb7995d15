"""docs/kubernetes.yaml: its parts agree, and its script does what it says."""

import json
import os
import pathlib
import signal
import subprocess

import pytest
import yaml

MANIFEST = pathlib.Path(__file__).parents[1] / "docs" / "kubernetes.yaml"
# Stands for the training command: says what it was given and waits for a word.
PYTHON = """#!/bin/sh
echo "$TF_CONFIG" > tf_config.json
echo "$@" > arguments.txt
trap 'exit 0' TERM
touch started
while [ ! -e finish ]; do sleep 0.01; done
exit "$(cat finish)"
"""


@pytest.fixture(scope="module")
def objects():
    found = yaml.safe_load_all(MANIFEST.read_text())
    return {each["kind"]: each for each in found}


@pytest.fixture(scope="module")
def pod(objects):
    return objects["Job"]["spec"]["template"]


@pytest.fixture(scope="module")
def container(pod):
    return pod["spec"]["containers"][0]


def start(container, place, index):
    """Runs the container's command as the second of its pods would."""
    program = place / "bin" / "python"
    program.parent.mkdir()
    program.write_text(PYTHON)
    program.chmod(0o755)
    variables = {each["name"]: each["value"] for each in container["env"]}
    return subprocess.Popen(
        [*container["command"], *container["args"]],
        cwd=place,
        env={
            **variables,
            "PATH": f"{program.parent}:{os.environ['PATH']}",
            "WORKDIR": str(place / "run"),
            "LAST_STEP": "40",
            "JOB_COMPLETION_INDEX": str(index),
        },
    )


def wait_for(path, process):
    while not path.exists():
        assert process.poll() is None
        try:
            process.wait(0.01)
        except subprocess.TimeoutExpired:
            continue


def test_the_service_finds_the_pods(objects, pod, container):
    service, job = objects["Service"]["spec"], objects["Job"]["spec"]
    assert service["selector"].items() <= pod["metadata"]["labels"].items()
    assert pod["spec"]["subdomain"] == objects["Service"]["metadata"]["name"]
    ports = [each["port"] for each in service["ports"]]
    assert [each["containerPort"] for each in container["ports"]] == ports
    workers = {each["name"]: each["value"] for each in container["env"]}
    assert int(workers["WORKERS"]) == job["completions"] == job["parallelism"]
    names = [each["name"] for each in pod["spec"]["volumes"]]
    assert [each["name"] for each in container["volumeMounts"]] == names


@pytest.mark.parametrize("index", [0, 1])
def test_workers_are_told_of_each_other(objects, container, tmp_path, index):
    with start(container, tmp_path, index) as process:
        wait_for(tmp_path / "started", process)
        (tmp_path / "run" / "checkpoints" / "step_00000040").mkdir(parents=True)
        (tmp_path / "finish").write_text("0")
        assert process.wait(30) == 0
    # A pod of an indexed job is named after the job and its index.
    name = objects["Job"]["metadata"]["name"]
    domain = objects["Service"]["metadata"]["name"]
    assert json.loads((tmp_path / "tf_config.json").read_text()) == {
        "cluster": {
            "worker": [f"{name}-{n}.{domain}:8470" for n in range(2)],
        },
        "task": {"type": "worker", "index": index},
    }
    assert (
        "--config.train.num_steps=40"
        in (tmp_path / "arguments.txt").read_text()
    )


@pytest.mark.parametrize("status", ["0", "1"])
def test_an_unfinished_run_fails_its_pod(container, tmp_path, status):
    with start(container, tmp_path, 0) as process:
        wait_for(tmp_path / "started", process)
        (tmp_path / "finish").write_text(status)
        assert process.wait(30) != 0


def test_a_preempted_run_saves_and_fails_its_pod(container, tmp_path):
    with start(container, tmp_path, 0) as process:
        wait_for(tmp_path / "started", process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 1
