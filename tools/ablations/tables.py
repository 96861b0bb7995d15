"""Tables of means and intervals, in Markdown."""

from __future__ import annotations

import math
from typing import Mapping, Sequence

from tools.ablations import statistics
from tools.ablations.measures import MEASURES
from tools.ablations.statistics import Estimate

# By arm and measure, one value for each seed; None where a run has none.
Values = Mapping[str, Mapping[str, Sequence[float | None]]]
_SHARES = ("diverged", "collapsed")


def of_arms(columns: Sequence[str], values: Values) -> str:
    """Returns a row for each arm, a column for each measure with a value.

    Args:
        columns: names of measures.
        values: what the runs have.
    """
    columns = [
        name
        for name in columns
        if any(v is not None for own in values.values() for v in own[name])
    ]
    head = ["arm", *(MEASURES[name].title for name in columns)]
    rows = [
        [arm, *(_cell(name, own[name]) for name in columns)]
        for arm, own in values.items()
    ]
    return markdown(head, rows)


def of_differences(
    reference: str, measures: Sequence[str], values: Values
) -> str:
    """Returns by how much each arm differs from one of them.

    Args:
        reference: name of the arm that the others are held against.
        measures: names of measures.
        values: what the runs have.

    Returns:
        An empty string if the reference is not there.
    """
    if reference not in values:
        return ""
    rows = []
    for arm, own in values.items():
        for name in measures:
            if arm == reference or name not in own:
                continue
            found = statistics.difference(
                known(own[name]), known(values[reference][name])
            )
            if found is not None:
                rows.append(
                    (arm, MEASURES[name].title, number(found), verdict(found))
                )
    return markdown(("arm", "measure", "difference", "so it is"), rows)


def verdict(found: Estimate) -> str:
    """Returns what an interval of a difference says."""
    if not math.isfinite(found.half_width):
        return "one seed says nothing"
    if found.low > 0:
        return "more"
    if found.high < 0:
        return "less"
    return "not told apart"


def known(values: Sequence[float | None]) -> list[float]:
    """Returns the values of the runs that have one."""
    return [value for value in values if value is not None]


def _cell(name: str, values: Sequence[float | None]) -> str:
    found = known(values)
    if name in _SHARES:
        return f"{sum(found):.0f} of {len(found)}"
    if not found:
        return "-"
    text = number(statistics.estimate(found))
    if len(found) < len(values):
        text += f" ({len(found)} of {len(values)})"
    return text


def number(found: Estimate) -> str:
    """Returns `0.243 ± 0.051`, to the digits that the interval leaves."""
    if not math.isfinite(found.half_width):
        large = abs(found.mean) >= 999.5
        return f"{found.mean:,.0f}" if large else f"{found.mean:.3g}"
    size = max(abs(found.mean), found.half_width, 1e-12)
    digits = max(0, 2 - math.floor(math.log10(size)))
    return f"{found.mean:,.{digits}f} ± {found.half_width:,.{digits}f}"


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
