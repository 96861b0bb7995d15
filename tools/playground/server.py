"""Serves the playground's page. Needs NiceGUI, an extra."""

from __future__ import annotations

import concurrent.futures
import sys

from nicegui import app, ui

from tools.playground.choice import Choice
from tools.playground.site import Site


def serve(choice: Choice, host: str, port: int) -> None:
    """Serves the page until it is interrupted.

    Args:
        choice: the generators.
        host: the address to listen at.
        port: the port.
    """
    # One thread: TensorFlow uses all cores for each call anyway.
    threads = concurrent.futures.ThreadPoolExecutor(1)
    app.on_startup(
        lambda: sys.stdout.write(
            f"The playground is at http://{host}:{port} (Ctrl-C ends it)\n"
        )
    )
    app.on_startup(sys.stdout.flush)
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
