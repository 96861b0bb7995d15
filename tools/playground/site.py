"""Serves the playground's page, and what stands around it. Needs NiceGUI."""

from __future__ import annotations

import asyncio
import concurrent.futures
from typing import Callable

from nicegui import app, ui

from sagan_tf.errors import UserError, one_line
from tools.playground.choice import Choice
from tools.playground.page import Page

_ACCENT = "#0072b2"
# Panels wrap: three beside each other, two, or one below the other.
_CSS = """
body { background: #f4f5f7; }
.panel { background: white; border-radius: 10px; padding: 18px;
         box-shadow: 0 1px 3px rgb(0 0 0 / 12%); }
.part { min-width: 0; }
.settings { flex: 0 0 250px; }
.boards { flex: 1 1 440px; }
.look { flex: 1 1 360px; max-width: 484px; }
.pixels img { image-rendering: pixelated; cursor: crosshair; }
.pixels { user-select: none; max-width: 100%; }
.drop .q-uploader__file, .drop .q-uploader__subtitle { display: none; }
.result { flex: 1 1 200px; }
.hint { color: #667; font-size: 0.85rem; }
.busy { position: fixed; top: 0; left: 0; z-index: 10; }
@media (max-width: 800px) {
  .nicegui-content { padding: 8px; }
  .panel { padding: 12px; }
  .settings, .boards, .look { flex: 1 1 100%; max-width: 100%; }
}
"""


def serve(choice: Choice, host: str, port: int) -> None:
    """Serves the page until it is interrupted."""
    # One thread: TensorFlow uses all cores for each call anyway.
    threads = concurrent.futures.ThreadPoolExecutor(1)
    address = f"http://{host}:{port}"
    app.on_startup(
        lambda: print(
            f"The playground is at {address} (Ctrl-C ends it)", flush=True
        )
    )
    ui.run(
        lambda: Site(choice, threads).build(),
        host=host,
        port=port,
        title="sagan_tf playground",
        favicon="◉",
        show=False,
        reload=False,
        show_welcome_message=False,
        uvicorn_logging_level="error",
    )


class Site:
    """A choice of generators, and the page of the one that is chosen.

    They are opened and draw in `threads`.
    """

    def __init__(self, choice: Choice, threads: concurrent.futures.Executor):
        self._choice, self._threads = choice, threads
        self._title = choice.titles[0]

    def build(self) -> None:
        """Puts everything in its place."""
        ui.colors(primary=_ACCENT)
        ui.add_css(_CSS)
        if self._choice.titles[1:]:
            ui.select(
                self._choice.titles,
                label="Weights",
                value=self._title,
                on_change=lambda event: self._open(event.value),
            ).props("dense outlined data-testid=weights").style(
                "min-width: 250px"
            )
        self._place = ui.column().classes("w-full")
        # Once the browser is there, so that the page itself comes at once.
        ui.timer(0.01, lambda: self._open(self._title), once=True)

    async def _open(self, title: str) -> None:
        self._title = title
        self._place.clear()
        with self._place, ui.row().classes("items-center gap-4"):
            ui.spinner(size="lg")
            ui.label(f"Loading {title}").props("data-testid=loading")
        loop = asyncio.get_running_loop()
        try:
            model = await loop.run_in_executor(
                self._threads, self._choice.get, title
            )
        except UserError as error:
            reason = one_line(error)
            self._show(title, lambda: ui.label(reason))
            return
        self._show(title, Page(model, title, self._threads).build)

    def _show(self, title: str, build: Callable[[], object]) -> None:
        # Another one may have been chosen meanwhile, and is shown.
        if title == self._title:
            self._place.clear()
            with self._place:
                build()
