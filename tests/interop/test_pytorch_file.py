"""Files of PyTorch are read as they are and trusted in nothing."""

import collections
import os
import pickle
import zipfile

import numpy as np
import pytest

from sagan_tf.errors import UserError
from sagan_tf.interop import pytorch_file
from tests.interop import pytorch_files

STATE = {
    "kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    # The axes of memory in another order than those of the array.
    "transposed": np.arange(6, dtype=np.float32).reshape(2, 3).T,
    "scalar": np.float32(7.0),
    "count": np.arange(3),
    "none": np.zeros((0, 3), np.float32),
}


class Marker:
    """Runs a command where a pickle is trusted."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def assert_state(found):
    assert list(found) == list(STATE)
    for name, expected in STATE.items():
        assert found[name].dtype == expected.dtype, name
        np.testing.assert_array_equal(found[name], expected)


@pytest.mark.parametrize(
    "write", [pytorch_files.write, pytorch_files.write_old]
)
def test_arrays_come_back(write, tmp_path):
    assert_state(pytorch_file.read(write(tmp_path / "a.pth", STATE)))


def test_a_state_dict_is_found_among_other_things(tmp_path):
    def wrap(tensors):
        return {
            "epoch": 3,
            "best_fid": np.float64(3.5),
            "state_dict": collections.OrderedDict(tensors),
            "optimizer": {"state": {0: tensors["kernel"]}},
        }

    path = pytorch_files.write(tmp_path / "a.pth", STATE, wrap)
    assert_state(pytorch_file.read(path))


def test_nothing_in_a_file_is_called(tmp_path):
    def wrap(tensors):
        return {**tensors, "marker": Marker(tmp_path / "called")}

    path = pytorch_files.write(tmp_path / "a.pth", STATE, wrap)
    assert_state(pytorch_file.read(path))
    assert not (tmp_path / "called").exists()
    plain = tmp_path / "b.pth"
    plain.write_bytes(pickle.dumps(Marker(tmp_path / "called")))
    with pytest.raises(UserError, match="not written by PyTorch"):
        pytorch_file.read(plain)
    assert not (tmp_path / "called").exists()


def test_a_tensor_cannot_reach_outside_its_storage(tmp_path):
    path = pytorch_files.write(tmp_path / "a.pth", STATE, offset=1)
    with pytest.raises(UserError, match="outside its storage"):
        pytorch_file.read(path)


def test_nothing_inflates(tmp_path):
    """PyTorch compresses nothing: what is compressed is meant to burst."""
    path = pytorch_files.write(
        tmp_path / "a.pth", {"a": np.zeros(99, np.float32)}
    )
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match="a compressed archive"):
        pytorch_file.read(path)


def test_tensors_that_share_their_bytes_do_not_outgrow_the_file(tmp_path):
    state = {"a": np.zeros(10_000, np.float32)}

    def read(count):
        path = pytorch_files.write(
            tmp_path / "a.pth",
            state,
            lambda tensors: {str(n): tensors["a"] for n in range(count)},
        )
        return pytorch_file.read(path)

    assert len(read(3)) == 3
    with pytest.raises(UserError, match="far larger than the file"):
        read(9)


def test_a_tensor_is_no_longer_than_the_file(tmp_path):
    array = np.zeros(8, np.float32)
    path = pytorch_files.write_old(tmp_path / "a.pth", {"a": array})
    content = bytearray(path.read_bytes())
    place = len(content) - array.nbytes - 8
    content[place : place + 8] = (2**50).to_bytes(8, "little")
    path.write_bytes(content)
    with pytest.raises(UserError, match="longer than the file"):
        pytorch_file.read(path)


def broken(tmp_path):
    pytorch_files.write(tmp_path / "whole.pth", STATE)
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pth").write_text("kernel: 1")
    (tmp_path / "empty.pth").write_bytes(b"")
    pytorch_files.write(tmp_path / "nothing.pth", {})
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("readme", "nothing")
    return ["cut", "text", "empty", "nothing", "zip", "missing"]


def test_other_files_are_refused_in_one_line(tmp_path):
    for name in broken(tmp_path):
        path = tmp_path / f"{name}.pth"
        with pytest.raises(UserError) as caught:
            pytorch_file.read(path)
        message = str(caught.value)
        assert message.startswith("`checkpoint` should be a .pth file")
        assert str(path) in message and "\n" not in message


@pytest.mark.parametrize(
    ("generator", "discriminator"),
    [
        ("10_G.pth", "10_D.pth"),
        ("model=G-best-weights-step=9.pth", "model=D-best-weights-step=9.pth"),
        (
            "model=G_ema-best-weights-step=9.pth",
            "model=D-best-weights-step=9.pth",
        ),
    ],
)
def test_the_discriminator_is_found_beside(generator, discriminator, tmp_path):
    pytorch_files.write(tmp_path / generator, {"a": np.float32(1.0)})
    with pytest.raises(UserError, match=discriminator):
        pytorch_file.read_pair(tmp_path / generator)
    pytorch_files.write(tmp_path / discriminator, {"b": np.float32(2.0)})
    pair = pytorch_file.read_pair(tmp_path / generator)
    assert [list(state) for state in pair] == [["a"], ["b"]]


def test_a_name_without_a_g_is_refused(tmp_path):
    with pytest.raises(UserError, match="should be the generator's file"):
        pytorch_file.read_pair(tmp_path / "weights.pth")
