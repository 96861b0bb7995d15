"""docs/kubernetes.yaml: its parts agree, and its script does what it says."""

import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml

from tests import dockerfile

ROOT = pathlib.Path(__file__).parents[1]


@pytest.fixture(scope="module")
def manifest():
    text = (ROOT / "docs" / "kubernetes.yaml").read_text()
    return {part["kind"]: part for part in yaml.safe_load_all(text)}


def pod(manifest):
    return manifest["Job"]["spec"]["template"]["spec"]


def test_its_parts_hold_together(manifest):
    job, service = manifest["Job"], manifest["Service"]
    assert (job["apiVersion"], service["apiVersion"]) == ("batch/v1", "v1")
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= labels.items()
    assert service["spec"]["clusterIP"] == "None"
    assert pod(manifest)["subdomain"] == service["metadata"]["name"]
    assert job["spec"]["completionMode"] == "Indexed"
    assert job["spec"]["completions"] == job["spec"]["parallelism"]
    (count,) = (
        variable["value"]
        for variable in pod(manifest)["containers"][0]["env"]
        if variable["name"] == "WORKERS"
    )
    assert int(count) == job["spec"]["completions"]
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
        *("name", "image", "ports", "env", "command", "args"),
        *("resources", "volumeMounts"),
    }


def test_its_image_is_that_of_the_dockerfile(manifest):
    page = (ROOT / "docs" / "clusters.md").read_text()
    (container,) = pod(manifest)["containers"]
    tag, name, device = re.search(
        r"docker build --tag (\S+) --build-arg (\w+)=(\w+) ", page
    ).groups()
    assert container["image"] == f"{tag}:latest"
    steps = "".join(dockerfile.arguments_of("RUN"))
    assert [f"{name}=cpu"] == dockerfile.arguments_of("ARG")
    assert f"{device})" in steps
    (user,) = dockerfile.arguments_of("USER")
    assert re.findall(r"useradd .*--uid=(\d+)", steps) == [user]
    assert int(user) == pod(manifest)["securityContext"]["fsGroup"] > 0


def start_container(manifest, tmp_path, program, index):
    """Runs the container's script with another program for the training."""
    (container,) = pod(manifest)["containers"]
    training = tmp_path / "sagan-train"
    training.write_text(f"#!/bin/sh\n{program}\n")
    training.chmod(0o755)
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


@pytest.mark.parametrize("index", [0, 1])
def test_workers_find_each_other(manifest, tmp_path, index):
    (tmp_path / "checkpoints" / "step_01000000").mkdir(parents=True)
    program = 'echo "$TF_CONFIG"; for word in "$@"; do echo "$word"; done'
    process = start_container(manifest, tmp_path, program, index)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    text, *words = output.splitlines()
    content = json.loads(text)
    assert content["task"] == {"type": "worker", "index": index}
    count = manifest["Job"]["spec"]["completions"]
    name = manifest["Job"]["metadata"]["name"]
    domain = manifest["Service"]["metadata"]["name"]
    assert content["cluster"]["worker"] == [
        f"{name}-{number}.{domain}:8470" for number in range(count)
    ]
    assert words[0] == "--config=imagenet128"
    assert f"--workdir={tmp_path}" in words


def test_a_preempted_run_saves_and_fails_its_pod(manifest, tmp_path):
    """SIGTERM reaches the training, whose success is not the job's."""
    program = "trap 'echo saved; exit 0' TERM; echo ready; sleep 60 & wait"
    process = start_container(manifest, tmp_path, program, 0)
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.stdout.readline() == "saved\n"
    assert process.wait(timeout=60) == 1


@pytest.mark.parametrize("status", [0, 1])
def test_an_unfinished_run_fails_its_pod(manifest, tmp_path, status):
    process = start_container(manifest, tmp_path, f"exit {status}", 0)
    process.communicate(timeout=60)
    assert process.returncode != 0
