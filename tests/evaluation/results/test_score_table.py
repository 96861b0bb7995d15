"""`scores.csv`, its best row, its plot and its text."""

import csv
import math
import threading

import numpy as np
import pytest
from PIL import Image

from sagan_tf.errors import UserError
from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.protocol import Card
from sagan_tf.evaluation.results import reports
from sagan_tf.evaluation.results.reports import format_scores
from sagan_tf.evaluation.results.score_table import Scores, ScoreTable, value_of


def card(step=1, **changes):
    fields = {
        "network": "inception",
        "network_hash": "aa",
        "resize": "bilinear to 299",
        "data": "folder aa 128x128, 1000 classes",
        "split": "train",
        "num_real": 100,
        "num_generated": 50_000,
        "step": step,
    }
    return Card(**{**fields, **changes})


def row(step, fid, recall=0.5, variety=1.0, **changes):
    values = {
        "fid50k_train": fid,
        "is50k": 10.0,
        "recall10k_train": recall,
        "class_variety50k_train": variety,
        "halves_fid": 0.5,
        "real_accuracy": math.nan,
    }
    return Scores(card(step, **changes), values)


@pytest.fixture
def table(tmp_path):
    return ScoreTable(tmp_path / "run" / "scores.csv")


def test_rows_come_back_in_the_order_of_steps(table):
    assert table.rows() == []
    for scores in (row(20, 3.0), row(10, 1 / 3)):
        table.add(scores)
    rows = table.rows()
    assert [scores.card for scores in rows] == [card(10), card(20)]
    assert rows[0].values["fid50k_train"] == pytest.approx(1 / 3, rel=1e-5)
    left = sorted(path.name for path in table.path.parent.iterdir())
    assert left == [".scores.csv.lock", "scores.csv"]


def test_rows_of_two_commands_at_once_are_all_kept(table, monkeypatch):
    read = ScoreTable.rows
    late = threading.Thread(target=table.add, args=(row(20, 3.0),))

    def read_slowly(self):
        rows = read(self)
        # The other one begins when this one has read, and should wait.
        if threading.current_thread() is not late:
            late.start()
            late.join(0.3)
        return rows

    monkeypatch.setattr(ScoreTable, "rows", read_slowly)
    table.add(row(10, 9.0))
    late.join()
    assert [scores.card.step for scores in read(table)] == [10, 20]


def test_file_can_be_read_by_others(table):
    table.add(row(20, 3.0))
    table.add(Scores(card(30, truncation=0.5), {"kid10k_train": 0.25}))
    with table.path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["step", "weights", "fid50k_train"]
    assert list(rows[0])[-2:] == ["kid10k_train", "card"]
    assert rows[0]["fid50k_train"] == "3" and rows[0]["kid10k_train"] == ""
    assert rows[1]["step"] == "30" and rows[1]["weights"] == "ema"


def test_same_step_and_protocol_is_one_row(table):
    for scores in (row(1, 3.0), row(1, 2.0), row(1, 4.0, seed=1)):
        table.add(scores)
    assert len(table.rows()) == 2
    assert value_of(table.find(card(1)), "fid") == 2
    assert value_of(table.find(card(1, seed=1)), "fid") == 4
    assert table.find(card(2)) is None
    assert table.find(card(1, split="test")) is None


def test_accuracies_that_took_minutes_are_kept(table):
    costly = row(1, 3.0, cas_test="9 of test")
    costly.values["cas50k_test"] = 0.75
    for scores in (costly, row(1, 2.0)):
        table.add(scores)
    (found,) = table.rows()
    assert found.card.cas_test == "9 of test"
    assert [value_of(found, name) for name in ("cas", "fid")] == [0.75, 2.0]
    table.add(row(1, 4.0, cas_test="8 of test"))
    (found,) = table.rows()
    assert "cas50k_test" not in found.values


def test_best_has_the_least_fid_or_the_most_of_others(table):
    for scores in (row(1, 9.0), row(2, 3.0), row(3, 5.0), row(4, 1.0, seed=1)):
        table.add(scores)
    assert table.best(protocol.digest(card())).card.step == 2
    assert table.best(protocol.digest(card()), "is").card.step == 1
    assert table.best(protocol.digest(card(seed=2))) is None
    assert table.best(protocol.digest(card()), "kid") is None


@pytest.mark.parametrize(
    "collapse", [{"recall": 0.2}, {"variety": 0.4}, {"recall": math.nan}]
)
def test_collapsed_checkpoint_is_not_best(table, collapse):
    table.add(row(1, 9.0))
    table.add(row(2, 3.0, recall=0.4))
    table.add(row(3, 0.1, **collapse))
    assert table.best(protocol.digest(card())).card.step == 2


def test_noise_does_not_raise_the_mark_of_variety(table):
    table.add(row(1, 90.0, variety=7.0))
    table.add(row(2, 3.0, variety=0.8))
    assert table.best(protocol.digest(card())).card.step == 2


def test_old_columns_have_the_names_of_today(table):
    table.add(row(1, 9.0))
    text = table.path.read_text().replace("halves_fid", "floor_fid")
    assert "floor_fid" in text
    table.path.write_text(text)
    assert table.rows()[0].values["halves_fid"] == 0.5


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "step,card\n1,{\n", 'step,card\n1,"{}"\n', "\0"]
)
def test_other_files_are_refused_and_kept(table, text):
    table.path.parent.mkdir()
    table.path.write_text(text)
    with pytest.raises(UserError, match="should be a table of scores"):
        table.add(row(1, 2.0))
    assert table.path.read_text() == text


def test_plot_has_a_panel_for_each_score(tmp_path):
    path = tmp_path / "scores.png"
    reports.write_plot(path, [row(1, 9.0), row(2, 3.0)])
    image = np.asarray(Image.open(path).convert("RGB"))
    assert image.shape[1] > 1000 and image.std() > 5
    assert [p.name for p in tmp_path.iterdir()] == ["scores.png"]
    reports.write_plot(tmp_path / "none.png", [])
    assert not (tmp_path / "none.png").exists()


def test_lines_of_the_paper_are_for_its_protocol_only():
    ours = [row(1, 9.0)]
    assert reports.paper_score("fid50k_train", ours) == 18.65
    assert reports.paper_score("is50k", ours) == 52.52
    assert reports.paper_score("fid10k_train", ours) is None
    other = [row(1, 9.0, data="folder aa 64x64, 10 classes")]
    assert reports.paper_score("fid50k_train", other) is None


def test_text_shows_real_images_beside_generated_ones():
    lines = format_scores([row(10, 9.0), row(20, 3.0)]).splitlines()
    assert lines[0].split() == ["score", "step", "10", "step", "20", "real"]
    assert lines[1].split() == ["fid50k_train", "9", "3", "0.5"]
    assert not [line for line in lines if line.startswith(("halves", "real"))]
    assert lines[-1].startswith("50000 generated images (ema) against 100")


def test_text_says_the_same_of_scores_that_were_read_again(table):
    # Rounded to six digits, then to four, it ends in 8; at once, in 9.
    table.add(row(10, 3.3485049e-10))
    assert format_scores([row(10, 3.3485049e-10)]) == format_scores(
        table.rows()
    )


def test_each_protocol_has_a_line_of_its_own():
    rows = [row(1, 9.0), row(1, 8.0, seed=1), row(2, 7.0)]
    lines = reports._by_protocol(rows)
    steps = {key: [r.card.step for r in group] for key, group in lines.items()}
    assert steps == {None: [1, 2], "seed=1": [1]}
