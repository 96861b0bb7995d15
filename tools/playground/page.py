"""The playground's page. Needs NiceGUI, an extra."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Any, Callable

from nicegui import events, ui

from sagan_tf.errors import UserError, one_line
from tools.playground import board, controls, views
from tools.playground.latest import Latest
from tools.playground.nearest_panel import NearestPanel
from tools.playground.playground_model import PlaygroundModel
from tools.playground.samples import Samples

_COLUMNS, _MOST_COLUMNS = 6, 12
# The slider's right end, where nothing is cut off.
_NO_TRUNCATION = 4.0


class Page:
    """The page of one visitor; `threads` is where the model draws."""

    def __init__(
        self,
        model: PlaygroundModel,
        title: str,
        threads: concurrent.futures.Executor,
    ):
        self._model, self._title, self._threads = model, title, threads
        self._boards: dict[str, board.Board] = {}
        self._picked = "grid"
        self._point: views.Point | None = None
        self._scores: Any = None
        self._drawing = 0
        self._update_grid = Latest(self._draw_grid)
        self._update_between = Latest(self._draw_between)

    def build(self) -> None:
        """Puts everything in its place."""
        self._busy = (
            ui.linear_progress(show_value=False)
            .props("indeterminate data-testid=busy")
            .classes("busy")
        )
        with ui.row().classes("w-full items-start gap-4"):
            with ui.column().classes("panel part settings gap-3"):
                self._build_settings()
            with ui.column().classes("part boards gap-4"):
                self._build_boards()
            with ui.column().classes("panel part look gap-2"):
                self._build_attention()
        ui.timer(0.01, self._draw_all, once=True)

    def _build_settings(self) -> None:
        model = self._model
        with ui.column().classes("gap-0"):
            ui.label(self._title).classes("text-lg font-medium")
            ui.label(model.about).classes("hint")
        self._classes = None
        if model.num_classes:
            self._classes = (
                ui.select(
                    dict(enumerate(model.class_names)),
                    label="Classes",
                    multiple=True,
                    # Many are found by typing.
                    with_input=model.num_classes > 20,
                    value=model.first_classes(),
                    on_change=self._draw_all,
                )
                .props("use-chips dense data-testid=classes")
                .classes("w-full")
            )
        self._seed = controls.number("Seed", 0, self._update_grid, "seed")
        with self._seed.add_slot("append"):
            ui.button(icon="casino", on_click=self._next_seed).props(
                "flat dense round data-testid=next"
            ).tooltip("Other samples")
        self._columns = controls.slider(
            "Samples of a class",
            (1, _MOST_COLUMNS, 1),
            _COLUMNS,
            self._draw_all,
            "columns",
        )
        self._truncation = controls.slider(
            "Truncation",
            (0.1, _NO_TRUNCATION, 0.1),
            _NO_TRUNCATION,
            self._draw_all,
            "truncation",
            last="none",
        )
        ui.label("Cuts latents off at this size: less is more alike.").classes(
            "hint"
        )

    def _build_boards(self) -> None:
        with ui.column().classes("panel w-full gap-2"):
            self._boards["grid"] = board.Board("grid", "Samples", self._pick)
        with ui.column().classes("panel w-full gap-2"):
            between = board.Board("between", "Between two latents", self._pick)
            self._boards["between"] = between
            with ui.row().classes("w-full items-center gap-x-4 gap-y-0"):
                update = self._update_between
                self._first = controls.number("From seed", 1, update, "first")
                self._position = ui.slider(min=0, max=1, step=0.01, value=0.5)
                self._position.props("data-testid=position")
                self._position.style("flex: 1 1 120px")
                self._position.on_value_change(update)
                self._second = controls.number("to seed", 2, update, "second")
            for number in (self._first, self._second):
                number.style("max-width: 80px")
        with ui.column().classes("panel w-full gap-2"):
            self._build_nearest()

    def _build_nearest(self) -> None:
        ui.label("Nearest to an image").classes("text-base font-medium")
        self._nearest = None
        if self._model.nearest is None:
            ui.label(
                "What was exported has no discriminator to look with: open "
                "the run by --workdir, or weights by --pretrained."
            ).classes("hint").props("data-testid=no-drop")
            return
        self._nearest = NearestPanel(
            self._model.nearest,
            lambda: self._model.check_labels(self._labels()),
            self._pick,
            self._show_nearest,
            self._start_from_nearest,
        )
        self._boards["nearest"] = self._nearest.board

    def _build_attention(self) -> None:
        ui.label("Where a point looks").classes("text-base font-medium")
        self._large = (
            ui.interactive_image(
                on_mouse=self._point_in_large, events=["mousedown", "mousemove"]
            )
            .classes("pixels w-full")
            .props("data-testid=look")
        )
        self._words = ui.label().classes("hint").props("data-testid=told")
        if self._model.has_attention:
            ui.label(
                "Click in any image, or drag: the dot is the point, bright "
                "is what it attends to."
            ).classes("hint")
            self._switch = ui.switch(
                "Attention", value=True, on_change=self._show_attention
            ).props("data-testid=attention")
        else:
            ui.label("This generator has no attention.").classes("hint")

    async def _draw_all(self) -> None:
        await self._update_grid()
        await self._update_between()

    async def _next_seed(self) -> None:
        seed, columns = int(self._seed.value or 0), int(self._columns.value)
        # Another number in the field draws new images.
        self._seed.value = (seed + columns) % (2**31 - 2 * _MOST_COLUMNS)

    async def _draw_grid(self, *_: Any) -> None:
        await self._draw(
            "grid",
            self._model.grid,
            self._labels(),
            self._whole(self._seed),
            int(self._columns.value),
            self._cut_off(),
        )

    async def _draw_between(self, *_: Any) -> None:
        await self._draw(
            "between",
            self._model.between,
            self._labels(),
            self._whole(self._first),
            self._whole(self._second),
            float(self._position.value),
            self._cut_off(),
            self._nearest.start() if self._nearest else None,
        )

    async def _show_nearest(self, drawn: Samples) -> None:
        await self._show("nearest", drawn)
        if self._nearest.start() is not None:
            await self._update_between()

    async def _start_from_nearest(self) -> None:
        self._first.set_enabled(self._nearest.start() is None)
        await self._update_between()

    def _labels(self) -> list[int]:
        return sorted(self._classes.value) if self._classes else [0]

    def _cut_off(self) -> float:
        value = float(self._truncation.value)
        return value if value < _NO_TRUNCATION else 0.0

    @staticmethod
    def _whole(field: ui.number) -> int:
        return -1 if field.value is None else int(field.value)

    async def _draw(self, name: str, draw: Callable, *arguments: Any) -> None:
        """Draws a board, and the large image if it is of this board."""
        try:
            drawn = await self._in_thread(draw, *arguments)
        except UserError as error:
            # Flags and fields have one name.
            ui.notify(one_line(error).replace("--", ""), type="warning")
            return
        await self._show(name, drawn)

    async def _show(self, name: str, drawn: Samples) -> None:
        self._boards[name].show(drawn)
        if name == self._picked:
            await self._load_attention()

    async def _load_attention(self) -> None:
        """Asks for the attention of the image that is picked."""
        drawn = self._boards[self._picked].drawn
        index = self._point.index if self._point else 0
        if index >= len(drawn.images):
            index, self._point = 0, None
        scores = await self._in_thread(self._model.attention, drawn, index)
        if not self._is_shown(drawn, index):
            # Something else was drawn or picked meanwhile, which asks again.
            return
        self._scores = scores
        if self._point is None:
            self._point = views.telling_point(
                drawn.images[index], scores, index
            )
        self._show_attention()

    def _is_shown(self, drawn: Samples, index: int) -> bool:
        is_other = self._point is not None and self._point.index != index
        return self._boards[self._picked].drawn is drawn and not is_other

    def _show_attention(self) -> None:
        board, point = self._boards[self._picked], self._point
        if point is None:
            # It comes with the attention, and is shown then.
            return
        for other in self._boards.values():
            other.mark(point if other is board else None)
        image = board.drawn.images[point.index]
        scores = self._scores
        if scores is not None:
            self._words.text = views.describe(image, scores, point)
            scores = scores if self._switch.value else None
        self._large.set_source(
            views.as_url(views.overlay(image, scores, point))
        )
        self._large.content = views.dot(image, scores, point)

    async def _pick(self, name: str, point: views.Point) -> None:
        known = self._point and (self._picked, self._point.index)
        self._picked, self._point = name, point
        if known == (name, point.index):
            self._show_attention()
        else:
            await self._load_attention()

    def _point_in_large(self, event: events.MouseEventArguments) -> None:
        if self._point is not None and board.is_pressed(event):
            index = self._point.index
            image = self._boards[self._picked].drawn.images[index]
            point = views.point_in_large(
                image, index, event.image_x, event.image_y
            )
            self._point = point or self._point
            self._show_attention()

    async def _in_thread(self, function: Callable, *arguments: Any) -> Any:
        loop = asyncio.get_running_loop()
        self._drawing += 1
        self._busy.visible = True
        try:
            return await loop.run_in_executor(
                self._threads, function, *arguments
            )
        finally:
            self._drawing -= 1
            self._busy.visible = self._drawing > 0
