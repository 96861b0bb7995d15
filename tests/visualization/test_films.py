"""Films as files; tests/test_sample.py has the commands that write them."""

import sys
import types

import numpy as np
import pytest
from PIL import Image

from sagan_tf.errors import UserError
from sagan_tf.visualization import films

FRAMES = np.stack([np.full((3, 5, 1), level, np.uint8) for level in (0, 200)])


@pytest.mark.parametrize("ending", ["gif", "WEBP"])
def test_a_film_begins_again(ending, tmp_path):
    path = tmp_path / "new" / f"x.{ending}"
    films.write_film(path, FRAMES, 10.0)
    with Image.open(path) as film:
        assert (film.n_frames, film.size) == (2, (5, 3))
        assert film.info["loop"] == 0
        film.seek(1)
        pixels = np.asarray(film.convert("L")).astype(int)
        assert np.abs(pixels - 200).max() <= 2


def test_a_video_has_even_sides(monkeypatch, tmp_path):
    """By a stand-in for the package, which few have."""
    sent, options = [], {}

    def write_frames(path, size, **others):
        options.update(size=size, **others)
        with open(path, "wb") as file:
            while (frame := (yield)) is not None:
                sent.append(np.frombuffer(frame, np.uint8))
                file.write(b"frame")

    package = types.SimpleNamespace(write_frames=write_frames)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", package)
    films.write_film(tmp_path / "x.mp4", FRAMES, 10.0)
    assert options["size"] == (6, 4) and options["fps"] == 10.0
    # The name aside has another ending.
    assert options["output_params"] == ["-f", "mp4"]
    page = sent[1].reshape(4, 6, 3)
    assert (page[:3, :5] == 200).all()
    assert (page[3] == 255).all() and (page[:, 5] == 255).all()
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_what_cannot_become_a_film_is_refused(monkeypatch, tmp_path):
    with pytest.raises(UserError, match="--film should end in .gif.*x.avi"):
        films.check_path("x.avi", "--film")
    (tmp_path / "x.gif").mkdir()
    with pytest.raises(UserError, match="should end in"):
        films.check_path(tmp_path / "x.gif", "--output")
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError, match="pip install imageio-ffmpeg"):
        films.check_path("x.mp4", "--output")
    with pytest.raises(ValueError, match="should have a frame"):
        films.write_film("x.gif", [])
