"""Scores as a table to print, and over the steps of a run as a figure."""

from __future__ import annotations

import os

from sagan_tf.evaluation import metrics, protocol
from sagan_tf.evaluation.results.score_table import Scores
from sagan_tf.whole_files import replacing

_COLUMNS = 3
# Zhang et al. (arXiv:1805.08318), abstract, on ImageNet at 128 pixels.
_PAPER = {"fid50k_train": 18.65, "is50k": 52.52}
_PAPER_DATA = "128x128, 1000 classes"


def format_scores(scores: list[Scores]) -> str:
    """Returns scores of one protocol as a table, a row for each metric.

    The last column is what real images score by themselves.
    """
    card, last = scores[-1].card, scores[-1].values
    heads = [row.card.title for row in scores]
    lines = [_line("score", heads, "real")]
    for name in last:
        if metrics.is_reference(name):
            continue
        values = [_number(row.values.get(name)) for row in scores]
        real = _number(last.get(metrics.reference_of(name)))
        lines.append(_line(name, values, real))
    lines.append(
        f"{card.num_generated} generated images ({card.weights}) against "
        f"{card.num_real} real ones ({card.data}, {card.split}), through "
        f"{card.network} {card.network_hash}"
    )
    return "\n".join(lines)


def _line(name: str, values: list[str], real: str) -> str:
    return f"{name:<34}" + "".join(f"{text:>13}" for text in [*values, real])


def _number(value: float | None) -> str:
    if value is None or value != value:
        return ""
    # From six digits, as a table has them: it may be read again.
    return f"{float(f'{value:.6g}'):.4g}"


def write_plot(path: str | os.PathLike[str], rows: list[Scores]) -> None:
    """Draws one panel for each score.

    The score of real images is a dotted line, and that of the paper a dashed
    one where the protocol and the data are the paper's.

    Args:
        path: the PNG file to write or to replace.
        rows: scores of a run; those of several protocols have several names.

    Raises:
        OSError: if the file cannot be written.
    """
    from matplotlib.figure import Figure

    names = curves(rows)
    if not names:
        return
    height = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(4.5 * _COLUMNS, 3 * height), layout="constrained")
    for index, name in enumerate(names, 1):
        _draw(figure.add_subplot(height, _COLUMNS, index), name, rows)
    with replacing(path) as aside:
        figure.savefig(aside, format="png", dpi=100)


def paper_score(name: str, rows: list[Scores]) -> float | None:
    """Returns the paper's score where the protocol is the paper's."""
    same = rows and all(_PAPER_DATA in row.card.data for row in rows)
    return _PAPER.get(name) if same else None


def curves(rows: list[Scores]) -> list[str]:
    """Returns the names of the scores that have a panel."""
    names = dict.fromkeys(name for row in rows for name in row.values)
    return [
        name
        for name in names
        # TF-GAN's are ours to the width of a line.
        if not (metrics.is_reference(name) or name.startswith(metrics.TFGAN))
    ]


def _by_protocol(rows: list[Scores]) -> dict[str | None, list[Scores]]:
    """Returns the rows of each protocol, by how it differs from the last."""
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
    real = rows[-1].values.get(metrics.reference_of(name))
    if real is not None:
        axes.axhline(real, color="grey", ls=":", label="real images")
    paper = paper_score(name, rows)
    if paper is not None:
        axes.axhline(paper, color="tab:red", ls="--", label="paper")
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    axes.set_title(name)
    axes.set_xlabel("step")
