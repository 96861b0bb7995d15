"""A sheet that shows copies."""

import types

import numpy as np
import pytest
from PIL import Image

from sagan_tf.evaluation.numerics.rows import Rows
from sagan_tf.evaluation.results import neighbour_sheet
from sagan_tf.evaluation.sets.set_statistics import Statistics
from sagan_tf.visualization import sheets


def rows_of(features):
    rows = Rows(features.shape[1])
    rows.update(features)
    return rows


@pytest.fixture
def features():
    """Real features, and a copy of each third among generated ones."""
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(2, 60, 4)).astype(np.float32)
    fake[::3] = real[::3] + 1e-3
    return real, fake


def test_copies_are_the_closest(features):
    real, fake = features
    numbers, closeness = neighbour_sheet.closest(fake, rows_of(real))
    assert numbers.shape == (60, 7)
    np.testing.assert_array_equal(numbers[::3, 0], np.arange(0, 60, 3))
    assert closeness[::3].max() < 0.05 < closeness[1::3].min()
    apart = np.linalg.norm(real[:, None] - real, axis=-1)
    apart[np.diag_indices(60)] = np.inf
    own = np.linalg.norm(fake[1] - real[numbers[1, 0]])
    expected = own / apart[numbers[1, 0]].min()
    assert closeness[1] == pytest.approx(expected, rel=1e-5)


def test_equal_real_images_are_no_error(features):
    real, fake = features
    _, closeness = neighbour_sheet.closest(fake, rows_of(real[[0] * 60]))
    assert np.isfinite(closeness).all()


def test_each_row_shows_an_image_and_what_it_is_like(
    tmp_path, features, toy_network, monkeypatch
):
    both = [Statistics.of(toy_network, ["features"], 3) for _ in range(2)]
    for part, values in zip(both, features):
        part.parts["features"] = rows_of(values)
    shown = []
    draw = sheets.image_grid

    def remember(images, **options):
        shown.append((images[..., 0].max(axis=(1, 2)), options))
        return draw(images, **options)

    monkeypatch.setattr(sheets, "image_grid", remember)
    kept = []
    levels = np.arange(60)[:, None, None, None] / 127.5 - 1
    for batch in np.split(np.broadcast_to(levels, (60, 8, 8, 3)), 6):
        neighbour_sheet.keep(kept, batch)
    path = tmp_path / "deep" / "sheet.png"

    def images(numbers):
        # Real images of another size.
        each = [np.full((16, 32, 3), 100 + n, np.uint8) for n in numbers]
        return np.stack(each), None

    dataset = types.SimpleNamespace(images=images, background="white")
    neighbour_sheet.write(str(path), kept, *both, dataset)
    ((values, options),) = shown
    values = values.reshape(16, 8).astype(int)
    # Copies come first, each beside what it was copied from.
    np.testing.assert_array_equal(values[:8, 0] + 100, values[:8, 1])
    assert set(values[:8, 0] % 3) == {0}
    np.testing.assert_array_equal(values[8:, 0], np.arange(8))
    assert "60 real images" in options["title"]
    closeness = np.array(options["row_labels"], float)
    assert (np.diff(closeness[:8]) >= 0).all() and closeness[7] < 0.05
    with Image.open(path) as sheet:
        assert sheet.height > 16 * 64


def test_only_the_first_are_kept(monkeypatch):
    monkeypatch.setattr(neighbour_sheet, "LOOKED_AT", 5)
    kept = []
    for _ in range(3):
        neighbour_sheet.keep(kept, np.ones((2, 4, 4, 3), np.float32))
    assert len(kept) == 5 and kept[0].dtype == np.uint8
