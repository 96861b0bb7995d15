"""Everything that `python -m tools.benchmark` measures, section by section."""

from __future__ import annotations

import dataclasses
import functools
import statistics
from typing import Any, Callable, Iterable

from tools.benchmarks import (
    convolutions,
    memory,
    ours,
    peer,
    pipelines,
    scaling,
    timing,
)
from tools.benchmarks.ours import Setting
from tools.benchmarks.report import Row

TFGAN = "tfgan"
IMAGES = "images/s"


@dataclasses.dataclass
class Benchmark:
    """One run: the setting, how often to measure, and what was found so far.

    Attributes:
        setting: pictures, networks and batch.
        dtypes: our dtype policies.
        rounds: rounds of each timing.
        seconds: least length of a round.
        say: is told what is going on.
        medians: pictures per second by section and variant.
    """

    setting: Setting
    dtypes: tuple[str, ...]
    rounds: int
    seconds: float
    say: Callable[[str], None]
    medians: dict[tuple[str, str], float] = dataclasses.field(
        default_factory=dict
    )

    @property
    def has_peer(self) -> bool:
        """TF-GAN's example has one size, and attention in one place."""
        return (
            self.setting.image_size == 128
            and self.setting.attention_resolutions == (32,)
            and self.setting.num_classes > 0
        )

    def step(self) -> Iterable[Row]:
        """One update of each network."""
        calls = {TFGAN: peer.trainer(self.setting)} if self.has_peer else {}
        for dtype in self.dtypes:
            calls[dtype] = ours.trainer(self.setting, dtype)
        yield from self._rates("step", calls)

    def generation(self) -> Iterable[Row]:
        """A batch of pictures from a frozen generator."""
        calls = {TFGAN: peer.sampler(self.setting)} if self.has_peer else {}
        for dtype in self.dtypes:
            calls[dtype] = ours.sampler(self.setting, dtype)
        yield from self._rates("generation", calls)

    def _rates(
        self, section: str, calls: dict[str, Callable[[], object]]
    ) -> Iterable[Row]:
        rates = timing.interleave(
            calls, self.setting.batch_size, self.rounds, self.seconds, self.say
        )
        for variant, rate in rates.items():
            self.medians[section, variant] = rate.median
        for variant, rate in rates.items():
            compared = ""
            if self.has_peer:
                ratio = rate.median / rates[TFGAN].median
                compared = f"{ratio:.2f} x {TFGAN}"
            yield Row(
                section,
                variant,
                rate.median,
                IMAGES,
                rate.slowest,
                rate.fastest,
                compared,
            )

    def limit(self) -> Iterable[Row]:
        """What the convolutions alone would take, and our share of it."""
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
            Row(name, dtype, rate, IMAGES, compared=share),
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
        """What training adds to a process at its peak."""
        variants = [TFGAN] * self.has_peer + list(self.dtypes)
        yield from self._memory_rows("memory", self.setting, variants)

    def attention(self, size: int, batch_size: int) -> Iterable[Row]:
        """Peak memory with attention at a larger map, at once and in blocks."""
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
            if TFGAN in peaks:
                compared = f"{found / peaks[TFGAN]:.2f} x {TFGAN}"
            yield Row(section, variant, found, "MiB", compared=compared)

    def data(self) -> Iterable[Row]:
        """Pictures that the data pipeline yields, drawn or from shards."""
        with pipelines.batches(
            self.setting.image_size, self.setting.batch_size
        ) as sources:
            rates = timing.interleave(
                {
                    name: functools.partial(next, each)
                    for name, each in sources.items()
                },
                self.setting.batch_size,
                self.rounds,
                self.seconds,
                self.say,
            )
        for variant, rate in rates.items():
            steps = [
                value
                for (section, name), value in self.medians.items()
                if section == "step" and name != TFGAN
            ]
            compared = ""
            if steps:
                compared = f"{rate.median / max(steps):.0f} x what we train on"
            yield Row(
                "data",
                variant,
                rate.median,
                IMAGES,
                rate.slowest,
                rate.fastest,
                compared,
            )

    def scaling(self) -> Iterable[Row]:
        """Two workers of one thread each beside one process of two."""
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
                yield Row(
                    f"scaling, {way}",
                    dtype,
                    statistics.median(rates),
                    IMAGES,
                    min(rates),
                    max(rates),
                    f"{two / one:.2f} x 1 process" if ways[way] > 1 else "",
                )

    def sweep(
        self, name: str, values: Iterable[int]
    ) -> tuple[list[Row], dict[str, dict[int, float]]]:
        """Varies one field of the setting.

        Args:
            name: `"batch_size"` or `"base_channels"`.
            values: what to set it to.

        Returns:
            The rows, and the curves by variant.
        """
        rows: list[Row] = []
        curves: dict[str, dict[int, float]] = {d: {} for d in self.dtypes}
        for value in values:
            setting = dataclasses.replace(self.setting, **{name: value})
            calls = {
                dtype: ours.trainer(setting, dtype) for dtype in self.dtypes
            }
            rates = timing.interleave(
                calls, setting.batch_size, self.rounds, self.seconds, self.say
            )
            for dtype, rate in rates.items():
                curves[dtype][value] = rate.median
                rows.append(
                    Row(
                        f"step, {name}={value}",
                        dtype,
                        rate.median,
                        IMAGES,
                        rate.slowest,
                        rate.fastest,
                    )
                )
        return rows, curves
