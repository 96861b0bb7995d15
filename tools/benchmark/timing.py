"""Times of several things side by side."""

from __future__ import annotations

import dataclasses
import statistics
import time
from typing import Callable, Sequence


@dataclasses.dataclass(frozen=True)
class Rate:
    """How fast one thing ran.

    Attributes:
        median: images per second, the median over the rounds.
        slowest: that of the slowest round.
        fastest: that of the fastest round.
    """

    median: float
    slowest: float
    fastest: float

    @classmethod
    def of(cls, rates: Sequence[float]) -> Rate:
        """Returns what the rates of all rounds come to."""
        return cls(statistics.median(rates), min(rates), max(rates))


def interleave(
    calls: dict[str, Callable[[], object]],
    images: int,
    rounds: int,
    seconds: float = 0.0,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Rate]:
    """Times calls in turn, so that all see the same machine.

    Each is called twice before, to be traced and warmed up. A round of a call
    lasts until both one call and `seconds` are over.

    Args:
        calls: what to time, by name.
        images: images that one call handles.
        rounds: how often each is timed.
        seconds: least length of a round.
        say: is told what is going on.

    Returns:
        Images per second by name.
    """
    for name, call in calls.items():
        say(f"warming up {name}")
        for _ in range(2):
            call()
    rates: dict[str, list[float]] = {name: [] for name in calls}
    for index in range(rounds):
        for name, call in calls.items():
            rates[name].append(images * _calls_per_second(call, seconds))
            say(f"round {index + 1} of {rounds}: {name} {rates[name][-1]:.2f}")
    return {name: Rate.of(each) for name, each in rates.items()}


def _calls_per_second(call: Callable[[], object], seconds: float) -> float:
    start, count = time.perf_counter(), 0
    while True:
        call()
        count += 1
        elapsed = time.perf_counter() - start
        if elapsed >= seconds:
            return count / elapsed
