"""Rows in memory and in a file are the same rows."""

import numpy as np
import pytest

from sagan_tf.evaluation.images import archives
from sagan_tf.evaluation.numerics import rows
from sagan_tf.evaluation.numerics.rows import Rows

VALUES = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)


def filled(values=VALUES, **options):
    result = Rows(3, **options)
    for part in np.array_split(values, 7):
        result.update(part)
    return result


@pytest.mark.parametrize("held", [0, 100, 10**9])
def test_rows_come_back_wherever_they_are(monkeypatch, tmp_path, held):
    monkeypatch.setattr(rows, "_HELD_BYTES", held)
    whole = filled(VALUES[:20])
    whole.merge(filled(VALUES[20:]))
    assert len(whole) == 50
    chosen = np.arange(50) % 3 == 1
    np.testing.assert_array_equal(whole.where(chosen), VALUES[chosen])
    part = slice(15, 25)
    np.testing.assert_array_equal(whole.where(part), VALUES[part])
    numbers = np.array([41, 3, 20, 3])
    np.testing.assert_array_equal(whole.where(numbers), VALUES[[3, 20, 41]])
    np.testing.assert_array_equal(whole.first(23), VALUES[:23])
    np.testing.assert_array_equal(whole.joined(), VALUES)
    np.savez(tmp_path / "a.npz", **filled().state())
    monkeypatch.setattr(archives, "_LARGE", held)
    again = Rows(3)
    again.restore(archives.read(tmp_path / "a.npz"))
    assert isinstance(again.joined(), np.memmap) == (held < 600)
    again.update(VALUES[:2])
    expected = np.concatenate([VALUES, VALUES[:2]])
    np.testing.assert_array_equal(again.joined(), expected)


@pytest.mark.parametrize("held", [0, 10**9])
def test_the_first_rows_only(monkeypatch, held):
    monkeypatch.setattr(rows, "_HELD_BYTES", held)
    np.testing.assert_array_equal(filled(most=11).joined(), VALUES[:11])


def test_what_exceeds_the_memory_is_in_a_file(monkeypatch):
    monkeypatch.setattr(rows, "_HELD_BYTES", 100)
    assert isinstance(filled().joined(), np.memmap)


def test_objects_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "a.npz", bad=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle"):
        archives.read(tmp_path / "a.npz")
