"""docs/kubernetes.yaml against what Kubernetes says it accepts."""

import copy
import pathlib

import kubernetes_validate
import pytest
import yaml

MANIFEST = pathlib.Path(__file__).parents[1] / "docs" / "kubernetes.yaml"
VERSIONS = ["1.25", kubernetes_validate.latest_version()]
OBJECTS = {
    each["kind"]: each for each in yaml.safe_load_all(MANIFEST.read_text())
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["Service", "Job"])
def test_every_field_is_known(kind, version):
    kubernetes_validate.validate(OBJECTS[kind], version, strict=True)


@pytest.mark.parametrize("change", [{"completions": "two"}, {"compltions": 2}])
def test_a_wrong_field_is_not(change):
    job = copy.deepcopy(OBJECTS["Job"])
    job["spec"].update(change)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)
