"""Drop an image, see the nearest that is drawn. Needs NiceGUI, an extra."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Awaitable, Callable

import numpy as np
from nicegui import app, events, ui

from sagan_tf.errors import UserError, one_line
from tools.playground import views
from tools.playground.board import Board
from tools.playground.nearest import MOST_BYTES, STEPS, NearestSearch
from tools.playground.samples import Samples

# A thread of their own, one search at a time: boards go on drawing meanwhile.
_SEARCHES = concurrent.futures.ThreadPoolExecutor(1)
_SIDE = 160


class _Left(Exception):
    """Nobody waits for the result any more."""


class NearestPanel:
    """An image of the visitor beside the nearest that the generator draws.

    Args:
        search: finds it.
        labels: gives the classes to try.
        pick: called as a board's.
        found: called with what was found.
        change_end: called when the latent becomes an end of the way between
            two, or no longer is.

    Attributes:
        board: shows what was found.
    """

    def __init__(
        self,
        search: NearestSearch,
        labels: Callable[[], list[int]],
        pick: Callable,
        found: Callable[[Samples], Awaitable[None]],
        change_end: Callable,
    ):
        self._search, self._labels, self._found = search, labels, found
        self._step = 0
        self._upload = (
            ui.upload(
                label="Drop an image here, or press +",
                auto_upload=True,
                max_file_size=MOST_BYTES,
                on_upload=self._receive,
                on_rejected=self._reject,
            )
            .props("flat bordered data-testid=drop")
            .classes("drop w-full")
            # What is uploaded is shown below, and makes room for the next.
            .on("uploaded", lambda: self._upload.reset(), args=[])
        )
        self._progress = ui.column().classes("w-full gap-1")
        with self._progress:
            self._bar = ui.linear_progress(0.0, show_value=False)
            self._stage = ui.label().classes("hint")
        self._pair = ui.row().classes("w-full items-start gap-4")
        with self._pair:
            with ui.column().classes("gap-2"):
                ui.label("Your image").classes("text-base font-medium")
                self._image = ui.interactive_image().classes("pixels")
                self._image.props("data-testid=target")
            self._result = ui.column().classes("part result gap-2")
        with self._result:
            self.board = Board("nearest", "Nearest", pick, _SIDE)
            self._words = ui.label().classes("hint")
            self._words.props("data-testid=distance")
            self._switch = ui.switch(
                "Start of the way between two latents", on_change=change_end
            ).props("data-testid=as-start")
        self._progress.visible = self._pair.visible = False
        self._timer = ui.timer(0.3, self._tell, active=False)

    def start(self) -> np.ndarray | None:
        """Returns the latent that was found, if it is to be an end."""
        drawn = self.board.drawn
        return drawn.latents[0] if drawn and self._switch.value else None

    def _tell(self) -> None:
        self._bar.value = self._step / STEPS
        self._stage.text = (
            f"step {self._step} of {STEPS}"
            if self._step
            else "drawing images to start from"
        )

    def _watch(self, step: int) -> None:
        if self._upload.is_deleted or app.is_stopping or app.is_stopped:
            raise _Left
        self._step = step

    @staticmethod
    def _reject() -> None:
        ui.notify(
            f"an image should have at most {MOST_BYTES // 2**20} MiB",
            type="warning",
        )

    async def _receive(self, event: events.UploadEventArguments) -> None:
        encoded, name = await event.file.read(), event.file.name
        try:
            labels = self._labels()
            image = await asyncio.to_thread(self._search.read, encoded, name)
        except UserError as error:
            ui.notify(one_line(error).replace("--", ""), type="warning")
            return
        self._image.set_source(views.as_url(views.alone(image, _SIDE)))
        self._set_searching(True)
        try:
            drawn, words = await asyncio.get_running_loop().run_in_executor(
                _SEARCHES, self._search.find, image, labels, self._watch
            )
        except _Left:
            return
        finally:
            self._set_searching(False)
        if not self._upload.is_deleted:
            self._words.text = words
            self._result.visible = True
            await self._found(drawn)

    def _set_searching(self, searching: bool) -> None:
        self._step = 0
        self._tell()
        self._progress.visible, self._timer.active = searching, searching
        self._upload.visible = not searching
        self._pair.visible, self._result.visible = True, False
