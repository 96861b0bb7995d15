"""A sheet of images on the playground's page."""

from __future__ import annotations

from typing import Callable

from nicegui import events, ui

from tools.playground import views
from tools.playground.latest import Latest
from tools.playground.samples import Samples


class Board:
    """A sheet of images that can be clicked and downloaded.

    Args:
        name: its name.
        title: its headline.
        pick: called with the name and the point that is clicked.
        cell: pixels of an image, at least.
    """

    def __init__(self, name: str, title: str, pick: Callable, cell: int = 64):
        self.drawn: Samples | None = None
        self._name, self._cell = name, cell
        self._sheet: views.Sheet | None = None
        with ui.row().classes("w-full items-center gap-1"):
            ui.label(title).classes("text-base font-medium")
            ui.space()
            self._button("PNG", "images", lambda drawn: drawn.png())
            self._button("NPZ", "latents", lambda drawn: drawn.npz())
        self._image = (
            ui.interactive_image(
                on_mouse=self._clicked, events=["mousedown", "mousemove"]
            )
            .classes("pixels")
            .props(f"data-testid={name}")
        )
        self._waiting = ui.spinner(size="lg")
        self._pick = Latest(pick)

    def _button(self, kind: str, what: str, make: Callable) -> None:
        file = f"{self._name}.{kind.lower()}"
        ui.button(
            f"{kind} ({what})",
            icon="download",
            on_click=lambda: ui.download(make(self.drawn), file),
        ).props(f"flat dense no-caps size=sm data-testid={self._name}-{kind}")

    def show(self, drawn: Samples) -> None:
        """Shows other images."""
        self.drawn, self._sheet = drawn, views.Sheet(drawn, self._cell)
        self._image.set_source(views.as_url(self._sheet.image()))
        self._waiting.visible = False

    def mark(self, point: views.Point | None) -> None:
        """Marks a point, or none."""
        if self._sheet is not None:
            self._image.content = self._sheet.marks(point)

    async def _clicked(self, event: events.MouseEventArguments) -> None:
        if self._sheet is not None and is_pressed(event):
            point = self._sheet.point_at(event.image_x, event.image_y)
            if point is not None:
                await self._pick(self._name, point)


def is_pressed(event: events.MouseEventArguments) -> bool:
    """Returns whether the button goes down, or is held in a move."""
    return event.type == "mousedown" or bool(event.buttons & 1)
