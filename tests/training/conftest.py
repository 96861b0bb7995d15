"""What the tests of replicas and of workers are held against."""

import pytest

from tests.training import toy
from tests.training.test_distribution import FIVE_STEPS, train


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """Five steps in one process on one device."""
    path = tmp_path_factory.mktemp("alone") / "run"
    return train(toy.config(**FIVE_STEPS), path)
