"""Everything that `python -m tools.benchmark` measures, section by section."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from typing import Any, Callable, Iterable

from tools.benchmark import (
    convolutions,
    memory,
    metric_costs,
    ours,
    peer,
    pipelines,
    scaling,
    timing,
)
from tools.benchmark.ours import Setting
from tools.benchmark.report import Row

_RATE = "images/s"


@dataclasses.dataclass
class Benchmark:
    """One run: the setting, how often to measure, and what was found so far.

    Attributes:
        setting: images, networks and batch.
        dtypes: our dtype policies.
        rounds: rounds of each timing.
        seconds: least length of a round.
        large_attention: map and batch size of the section attention.
        num_scored: images of the section scores.
        sweeps: values by the name of the field that the section sweep varies.
        say: is told what is going on.
        medians: images per second by section and variant.
        curves: of the sweeps: images per second by what was varied, variant
            and value.
    """

    setting: Setting
    dtypes: tuple[str, ...]
    rounds: int
    seconds: float
    large_attention: tuple[int, int] = (128, 8)
    num_scored: int = 1000
    sweeps: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    say: Callable[[str], None] = lambda text: None
    curves: dict[str, dict[str, dict[int, float]]] = dataclasses.field(
        default_factory=dict
    )
    medians: dict[tuple[str, str], float] = dataclasses.field(
        default_factory=dict
    )

    @functools.cached_property
    def has_peer(self) -> bool:
        """Whether TF-GAN's example can be measured beside ours."""
        reason = peer.why_not(self.setting)
        if reason:
            self.say(f"TF-GAN's example is left out: {reason}")
        return not reason

    def step(self) -> Iterable[Row]:
        """Measures one update of each network."""
        yield from self._beside_peer("step", ours.trainer, peer.trainer)

    def generation(self) -> Iterable[Row]:
        """Measures a batch of images from a baked generator."""
        yield from self._beside_peer("generation", ours.sampler, peer.sampler)

    def _beside_peer(
        self,
        section: str,
        make: Callable[[Setting, str], Callable[[], object]],
        make_peer: Callable[[Setting], Callable[[], object]],
    ) -> Iterable[Row]:
        calls = {peer.NAME: make_peer(self.setting)} if self.has_peer else {}
        for dtype in self.dtypes:
            calls[dtype] = make(self.setting, dtype)
        rates = self._rates(calls, self.setting)
        for variant, rate in rates.items():
            self.medians[section, variant] = rate.median
            compared = ""
            if self.has_peer:
                ratio = rate.median / rates[peer.NAME].median
                compared = f"{ratio:.2f} x {peer.NAME}"
            yield _row(section, variant, rate, compared)

    def _rates(
        self, calls: dict[str, Callable[[], object]], setting: Setting
    ) -> dict[str, timing.Rate]:
        return timing.interleave(
            calls, setting.batch_size, self.rounds, self.seconds, self.say
        )

    def limit(self) -> Iterable[Row]:
        """Measures what the convolutions alone would take, and our share."""
        for section, trace in (
            ("step", ours.training_step),
            ("generation", ours.drawing),
        ):
            for dtype in self.dtypes:
                yield from self.limit_of(section, trace, dtype)

    def limit_of(
        self, section: str, trace: Callable[..., Any], dtype: str
    ) -> list[Row]:
        """Times the convolutions of what `trace` returns, each alone."""
        graph = trace(self.setting, dtype).graph
        limit = convolutions.measure(convolutions.find(graph), say=self.say)
        name = f"limit of {section}"
        share, products = "", convolutions.products(graph) / 1e9
        rate = self.setting.batch_size / limit.seconds
        if (section, dtype) in self.medians:
            reached = self.medians[section, dtype] / rate
            share = f"{section} reaches {reached:.0%}"
        return [
            Row(name, dtype, rate, _RATE, compared=share),
            Row(name, dtype, limit.gigaflops, "GFLOP/s"),
            Row(
                name,
                dtype,
                limit.operations / 1e9,
                "GFLOP",
                compared=f"and {products:.3g} in products of matrices",
            ),
        ]

    def memory(self) -> Iterable[Row]:
        """Measures what training adds to a process at its peak."""
        variants = [peer.NAME] * self.has_peer + list(self.dtypes)
        yield from self._memory_rows("memory", self.setting, variants)

    def attention(self) -> Iterable[Row]:
        """Measures peak memory with attention, at once and in blocks."""
        size, batch_size = self.large_attention
        for resolution, options in (
            (min(32, size), {"max_scores": None}),
            (size, {}),
            (size, {"max_scores": None}),
        ):
            setting = dataclasses.replace(
                self.setting,
                batch_size=batch_size,
                attention_resolutions=(resolution,),
                attention_options=options,
            )
            way = "at once" if options else "in blocks"
            name = f"attention at {resolution}, {way}"
            yield from self._memory_rows(name, setting, self.dtypes)

    def _memory_rows(
        self, section: str, setting: Setting, variants: Iterable[str]
    ) -> Iterable[Row]:
        peaks: dict[str, float] = {}
        for variant in variants:
            self.say(f"{section}: {variant}")
            found = memory.peak(setting, variant)
            if found is None:
                yield Row(section, variant, float("inf"), "MiB")
                continue
            peaks[variant] = found
            compared = ""
            if peer.NAME in peaks:
                compared = f"{found / peaks[peer.NAME]:.2f} x {peer.NAME}"
            yield Row(section, variant, found, "MiB", compared=compared)

    def data(self) -> Iterable[Row]:
        """Measures what the data pipeline yields, drawn or from shards."""
        size, batch_size = self.setting.image_size, self.setting.batch_size
        with pipelines.batches(size, batch_size) as sources:
            rates = self._rates(
                {
                    name: functools.partial(next, each)
                    for name, each in sources.items()
                },
                self.setting,
            )
        steps = [
            self.medians.get(("step", dtype), 0.0) for dtype in self.dtypes
        ]
        for variant, rate in rates.items():
            compared = ""
            if any(steps):
                compared = f"{rate.median / max(steps):.0f} x what we train on"
            yield _row("data", variant, rate, compared)

    def scores(self) -> Iterable[Row]:
        """Measures seconds and memory of the scores, on random features."""
        for metric, names in metric_costs.MEASURED.items():
            self.say(f"scores: {names}")
            cost = metric_costs.measure(metric, self.num_scored)
            yield Row("scores, gathering", names, cost.gathering, "core s")
            yield Row("scores", names, cost.seconds, "core s")
            compared = ""
            if cost.held:
                compared = f"{cost.added / cost.held:.2f} x what it holds"
            yield Row(
                "scores, memory", names, cost.added, "MiB", compared=compared
            )

    def scaling(self) -> Iterable[Row]:
        """Measures two workers of one thread each beside one process of two."""
        ways = {"1 process, 2 threads": 1, "2 workers, 1 thread each": 2}
        for dtype in self.dtypes:
            found: dict[str, list[float]] = {way: [] for way in ways}
            # In turn, so that both see the same machine.
            for turn in range(2):
                for way, workers in ways.items():
                    self.say(f"scaling: {way}, {dtype}, turn {turn + 1} of 2")
                    found[way] += scaling.rates(
                        self.setting, dtype, workers, self.rounds, self.seconds
                    )
            one, two = (statistics.median(rates) for rates in found.values())
            for way, rates in found.items():
                compared = f"{two / one:.2f} x 1 process"
                yield _row(
                    f"scaling, {way}",
                    dtype,
                    timing.Rate.of(rates),
                    compared if ways[way] > 1 else "",
                )

    def sweep(self) -> Iterable[Row]:
        """Measures the step at several sizes."""
        for name, values in self.sweeps.items():
            curves = {dtype: {} for dtype in self.dtypes}
            self.curves[name] = curves
            for value in values:
                setting = dataclasses.replace(self.setting, **{name: value})
                calls = {d: ours.trainer(setting, d) for d in self.dtypes}
                for dtype, rate in self._rates(calls, setting).items():
                    curves[dtype][value] = rate.median
                    yield _row(f"step, {name}={value}", dtype, rate)


def _row(
    section: str, variant: str, rate: timing.Rate, compared: str = ""
) -> Row:
    spread = rate.slowest, rate.fastest
    return Row(section, variant, rate.median, _RATE, *spread, compared)
