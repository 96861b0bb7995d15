"""The notebook runs top to bottom."""

import json
import pathlib

import matplotlib
import matplotlib.pyplot as plt

NOTEBOOK = pathlib.Path(__file__).parents[2] / "examples" / "sagan_tf.ipynb"
TOY = {"steps": 1, "channels": 8, "batch_size": 4}


def test_the_cells_run_in_their_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    names = {}
    with matplotlib.rc_context({"backend": "Agg"}):
        for cell in json.loads(NOTEBOOK.read_text())["cells"]:
            if cell["cell_type"] == "code":
                exec("".join(cell["source"]), names)
                # Behind the cell of the settings: toy ones.
                names.update({key: TOY[key] for key in TOY if key in names})
        plt.close("all")
    assert len(shown) == 3
    assert int(names["gan"].step) == 1
    assert names["samples"].shape == (40, 32, 32, 3)
    assert (tmp_path / "generator.keras").is_file()


def test_it_is_stored_without_outputs():
    notebook = json.loads(NOTEBOOK.read_text())
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    for cell in notebook["cells"]:
        assert not cell.get("outputs") and cell["id"]
