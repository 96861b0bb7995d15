"""`scores.csv`: a row for each time that a checkpoint was scored."""

from __future__ import annotations

import collections
import contextlib
import csv
import dataclasses
import fcntl
import io
import math
from typing import Any, Iterator, Mapping

from absl import logging

from sagan_tf import storage
from sagan_tf.errors import UserError
from sagan_tf.evaluation import metrics, protocol
from sagan_tf.whole_files import replacing

# Which come before and behind the scores.
_FIRST, _LAST = ("step", "weights"), ("card",)
# Below this share of the best recall or variety, a checkpoint has collapsed.
_LEAST_DIVERSITY = 0.5
# What scores of halves were called until 2026.
_OLD_HALVES, _HALVES = "floor_", "halves_"


@dataclasses.dataclass
class Scores:
    """A row of scores.

    Attributes:
        card: their protocol.
        values: score by metric name, in the order to show them.
    """

    card: protocol.Card
    values: dict[str, float]


class ScoreTable:
    """The scores of a run, with the card of each row.

    Columns are `step`, `weights`, one for each score ever written, and `card`,
    the whole protocol as JSON. A row has no value where it has no score.

    Args:
        path: the CSV file; it need not exist.
    """

    def __init__(self, path: storage.PathLike) -> None:
        self.path = storage.at(path)

    def rows(self) -> list[Scores]:
        """Returns the rows in the order of the file.

        Raises:
            UserError: if the file is no such table.
        """
        if not self.path.exists():
            return []
        try:
            with self.path.open(newline="") as file:
                reader = csv.DictReader(file)
                if not {"step", "card"} <= set(reader.fieldnames or ()):
                    raise ValueError("other columns")
                return [_parse(row) for row in reader]
        except (ValueError, TypeError, KeyError, csv.Error) as error:
            raise UserError(
                f"{self.path} should be a table of scores with the columns "
                "step and card: move it away, and a new one is begun"
            ) from error

    def find(self, card: protocol.Card) -> Scores | None:
        """Returns the scores of this step under this protocol, if any."""
        for row in reversed(self.rows()):
            if _is_same(row.card, card):
                return row
        return None

    def add(self, scores: Scores) -> None:
        """Writes a row, in place of one of the same step and protocol.

        Classification accuracy scores of the former row are kept, if the new
        one has none: they take minutes.

        Nobody ever sees half of the file, and of two commands that add at the
        same time neither loses a row.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(self.path):
            self._add(scores)

    def _add(self, scores: Scores) -> None:
        known = self.rows()
        former = [row for row in known if _is_same(row.card, scores.card)]
        kept = [row for row in known if row not in former]
        for row in former:
            scores = _with_accuracies(scores, row)
        rows = sorted([*kept, scores], key=lambda row: row.card.step)
        with replacing(self.path) as aside:
            aside.write_text(_format(rows))

    def own_protocol(self, digest: str = "") -> str:
        """Returns the digest of the protocol that most steps are scored by.

        Args:
            digest: a protocol that comes before others of as many steps; the
                latest one by default.
        """
        digests = [
            protocol.digest(row.card)
            for row in self.rows()
            if not protocol.is_foreign(row.card)
        ]
        most = collections.Counter(digests)
        first = [digest, *reversed(digests)]
        return max(first, key=lambda name: most[name])

    def best(self, digest: str, metric: str = "fid") -> Scores | None:
        """Returns the best row of a protocol, guarded by diversity.

        A checkpoint is not best, whatever its score, if its recall or the
        variety of its poorest class is less than half of the highest that any
        checkpoint has: generators have bought a low FID with collapse.

        Nor is it by a network that learned other data.

        Args:
            digest: the protocol; rows of others are not compared.
            metric: a metric that has a better end.

        Returns:
            The row, or `None` if there is none with that metric.
        """
        rows = [
            row
            for row in self.rows()
            if protocol.digest(row.card) == digest
            and not protocol.is_foreign(row.card)
            and math.isfinite(value_of(row, metric))
        ]
        diverse = [row for row in rows if _is_diverse(row, rows)]
        if len(diverse) < len(rows):
            dropped = [row.card.step for row in rows if row not in diverse]
            logging.info("not best for want of diversity: steps %s", dropped)
        sign = 1 if metrics.METRICS[metric].better == "lower" else -1
        return min(
            diverse, key=lambda row: sign * value_of(row, metric), default=None
        )


def value_of(row: Scores, metric: str) -> float:
    """Returns the score of a metric, whatever its full name; else NaN."""
    for name, value in row.values.items():
        if protocol.metric_of(name) == metric:
            return value
    return math.nan


def _is_same(card: protocol.Card, other: protocol.Card) -> bool:
    return card.step == other.step and not protocol.difference(card, other)


def _with_accuracies(scores: Scores, former: Scores) -> Scores:
    """Returns scores with what only a former row of the same images has."""
    if scores.card.cas_test or not former.card.cas_test:
        return scores
    card = dataclasses.replace(scores.card, cas_test=former.card.cas_test)
    return Scores(card, {**former.values, **scores.values})


@contextlib.contextmanager
def _locked(path: storage.AnyPath) -> Iterator[None]:
    """Waits until no other process changes a file; keep them out meanwhile."""
    if storage.is_stored(path):
        # There are no locks: of two commands at the same time, one adds.
        yield
        return
    with path.with_name(f".{path.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            # Some shared disks have no locks, and scores have cost an hour.
            logging.warning("cannot lock %s: %s", path, error)
        # Closing it unlocks it. Nobody removes it: two could hold two then.
        yield


def _is_diverse(row: Scores, rows: list[Scores]) -> bool:
    guards = [
        metric.name for metric in metrics.METRICS.values() if metric.guards
    ]
    for metric in guards:
        values = [value_of(other, metric) for other in rows]
        # More varied than real images is noise, and no mark to reach.
        values = [min(value, 1.0) for value in values if math.isfinite(value)]
        value = value_of(row, metric)
        if values and not value >= _LEAST_DIVERSITY * max(values):
            return False
    return True


def _format(rows: list[Scores]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row.values))
    text = io.StringIO()
    writer = csv.DictWriter(
        text, [*_FIRST, *names, *_LAST], restval="", lineterminator="\n"
    )
    writer.writeheader()
    for row in rows:
        scores = {name: f"{value:.6g}" for name, value in row.values.items()}
        writer.writerow(
            {
                "step": row.card.step,
                "weights": row.card.weights,
                **scores,
                "card": protocol.to_json(row.card),
            }
        )
    return text.getvalue()


def _parse(row: Mapping[str, Any]) -> Scores:
    card = protocol.from_json(row["card"])
    values = {
        _today(name): float(text)
        for name, text in row.items()
        if name not in (*_FIRST, *_LAST) and text
    }
    return Scores(card, values)


def _today(name: str) -> str:
    is_old = name.startswith(_OLD_HALVES)
    return _HALVES + name[len(_OLD_HALVES) :] if is_old else name
