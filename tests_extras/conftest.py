"""Runs and exported generators to test the extras with."""

import pytest

from sagan_tf import exporting, runs
from sagan_tf.exporting import saved_model, verification
from tests.conftest import toy_run, toy_weights, unconditional_run  # noqa: F401


@pytest.fixture(scope="session")
def export(tmp_path_factory):
    """Writes a run's SavedModel, without the proof that others test."""

    def write(run):
        path = tmp_path_factory.mktemp("exported") / "toy"
        with pytest.MonkeyPatch.context() as patch:
            proof = verification.Proof("float32", 0.0, 0.0, 1.0, 1)
            patch.setattr(saved_model, "verify", lambda *_: proof)
            exporting.export(runs.open_run(run).load_generator(), path)
        return path

    return write
