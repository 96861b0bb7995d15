"""Scores in words, for the terminal."""

from __future__ import annotations

from sagan_tf.evaluation import protocol
from sagan_tf.evaluation.evaluator import Scores


def format_scores(scores: list[Scores]) -> str:
    """Return scores as a table to print, a row for each metric.

    The last column is what real pictures score against real pictures.

    Args:
        scores: one or more, of one protocol.
    """
    card, floor = scores[-1].card, scores[-1].values
    real = {"fid": "floor_fid", "is": "real_is", "accuracy": "real_accuracy"}
    real.update({name: f"floor_{name}" for name in ("precision", "recall")})
    heads = [_head(row.card) for row in scores]
    lines = [_line("score", heads, "real")]
    for name in floor:
        if name.startswith(("floor_", "real_")):
            continue
        values = [_number(row.values.get(name)) for row in scores]
        metric = protocol.metric_of(name)
        lines.append(_line(name, values, _number(floor.get(real.get(metric)))))
    lines.append(
        f"{card.num_generated} generated pictures ({card.weights}) against "
        f"{card.num_real} real ones ({card.data}, {card.split}), through "
        f"{card.network} {card.network_hash}"
    )
    return "\n".join(lines)


def _head(card: protocol.Card) -> str:
    return f"step {card.step}" if card.step >= 0 else "fake"


def _line(name: str, values: list[str], real: str) -> str:
    return f"{name:<34}" + "".join(f"{text:>13}" for text in [*values, real])


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4g}"
