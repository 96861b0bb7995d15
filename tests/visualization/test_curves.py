import numpy as np
from PIL import Image

from sagan_tf.visualization import curves

LINES = """\
{"step": 10, "d_loss": 1.5, "g_loss": 0.5, "coherence": 0.2}
{"step": 20, "d_loss": null, "g_loss": 0.25}
"""


def test_metrics_are_read_by_name(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text(LINES)
    assert curves.read_metrics(path) == {
        "d_loss": [(10, 1.5)],
        "g_loss": [(10, 0.5), (20, 0.25)],
        "coherence": [(10, 0.2)],
    }


def test_a_single_record_is_seen(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "d_loss": 1.0}\n')
    curves.plot_metrics(tmp_path / "metrics.jsonl", tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as image:
        # The first colour of Matplotlib's lines, in the middle of the frame.
        pixels = np.asarray(image.convert("RGB")).astype(int)
    blue = (abs(pixels - [31, 119, 180]) < 8).all(-1)
    assert blue.sum() > 5


def test_a_panel_for_each_kind(tmp_path):
    path = tmp_path / "metrics.jsonl"
    heights = []
    for lines in (LINES, '{"step": 1, "d_loss": 1.0}\n'):
        path.write_text(lines)
        curves.plot_metrics(path, tmp_path / "curves.png")
        with Image.open(tmp_path / "curves.png") as image:
            heights.append(image.height)
    assert heights[0] == 2 * heights[1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [
        "curves.png",
        "metrics.jsonl",
    ]
