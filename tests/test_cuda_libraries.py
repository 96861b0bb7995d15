"""The library that TensorFlow does not find is loaded, where it is."""

import ctypes
import types

import pytest

from sagan_tf import cuda_libraries


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Returns what is loaded, of a TensorFlow with a solver beside it."""
    place = tmp_path / "nvidia/cusolver/lib"
    place.mkdir(parents=True)
    (place / "libcusolver.so.11").touch()
    spec = types.SimpleNamespace(origin=str(tmp_path / "tensorflow/a.py"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: spec)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    names = []
    monkeypatch.setattr(ctypes, "CDLL", names.append)
    return names


def test_the_solver_is_loaded(loaded, tmp_path):
    cuda_libraries.load_solver()
    assert loaded == [str(tmp_path / "nvidia/cusolver/lib/libcusolver.so.11")]


@pytest.mark.parametrize("hidden", ["", "-1", " "])
def test_not_where_gpus_are_hidden(loaded, monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    cuda_libraries.load_solver()
    assert loaded == []


def test_not_where_none_is_installed(loaded, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cuda_libraries.load_solver()
    assert loaded == []


def test_a_broken_one_does_not_end_the_program(loaded, monkeypatch):
    def refuse(path):
        raise OSError(f"{path}: file too short")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    cuda_libraries.load_solver()
