"""Every score of a run over its steps, as one picture."""

from __future__ import annotations

import os

from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.evaluator import Scores
from sagan_tf.whole_files import replacing

_COLUMNS = 3
# Zhang et al. (arXiv:1805.08318), abstract, on ImageNet at 128 pixels.
_PAPER = {"fid50k_train": 18.65, "is50k": 52.52}
_PAPER_DATA = "128x128, 1000 classes"
# The score of real pictures that stands beside that of generated ones.
_FLOORS = {"fid": "floor_fid", "precision": "floor_precision"}
_FLOORS.update({"recall": "floor_recall", "is": "real_is"})


def write_plot(path: str | os.PathLike[str], rows: list[Scores]) -> None:
    """Draw one panel for each score.

    The score of real pictures is a dotted line, and that of the paper a dashed
    one where the protocol and the data are the paper's.

    Args:
        path: the PNG file to write or to replace.
        rows: scores of a run; those of several protocols have several names.

    Raises:
        OSError: if the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = _names(rows)
    if not names:
        return
    height = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(4.5 * _COLUMNS, 3 * height), layout="constrained")
    FigureCanvasAgg(figure)
    for index, name in enumerate(names, 1):
        _draw(figure.add_subplot(height, _COLUMNS, index), name, rows)
    with replacing(path) as aside:
        figure.savefig(aside, format="png", dpi=100)


def paper_score(name: str, rows: list[Scores]) -> float | None:
    """Return the paper's score where the protocol is the paper's."""
    same = rows and all(_PAPER_DATA in row.card.data for row in rows)
    return _PAPER.get(name) if same else None


def _names(rows: list[Scores]) -> list[str]:
    names = dict.fromkeys(name for row in rows for name in row.values)
    # TF-GAN's are ours to the width of a line.
    aside = ("floor_", "real_", "tfgan_")
    return [name for name in names if not name.startswith(aside)]


def _by_protocol(rows: list[Scores]) -> dict[str | None, list[Scores]]:
    """Return rows of one protocol together, by how it differs from the last."""
    groups: dict[str | None, list[Scores]] = {}
    for row in rows:
        usual, ours = (protocol.fields_of(r.card) for r in (rows[-1], row))
        other = [
            f"{key}={ours[key]}" for key in ours if ours[key] != usual[key]
        ]
        groups.setdefault(", ".join(other) or None, []).append(row)
    return groups


def _draw(axes, name: str, rows: list[Scores]) -> None:
    rows = [row for row in rows if name in row.values]
    for label, same in _by_protocol(rows).items():
        steps = [row.card.step for row in same]
        values = [row.values[name] for row in same]
        axes.plot(steps, values, marker="o", label=label)
    floor = _FLOORS.get(protocol.metric_of(name))
    if floor is not None and floor in rows[-1].values:
        axes.axhline(
            rows[-1].values[floor], color="grey", ls=":", label="real pictures"
        )
    paper = paper_score(name, rows)
    if paper is not None:
        axes.axhline(paper, color="tab:red", ls="--", label="paper")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    axes.set_title(name)
    axes.set_xlabel("step")
