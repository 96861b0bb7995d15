"""Keeps up with a slider that moves faster than images are drawn."""

from __future__ import annotations

from typing import Any, Awaitable, Callable


class Latest:
    """Calls a coroutine function with the latest arguments only.

    While a call runs, of all that come only the last one is kept; it runs
    next. So a slider never has a queue behind it, and where it stops is what
    is shown.

    Args:
        work: what to call.
    """

    def __init__(self, work: Callable[..., Awaitable[None]]):
        self._work = work
        self._waiting: tuple[Any, ...] | None = None
        self._running = False

    async def __call__(self, *arguments: Any) -> None:
        """Calls, now or when the present call is done."""
        self._waiting = arguments
        if self._running:
            return
        self._running = True
        try:
            while self._waiting is not None:
                arguments, self._waiting = self._waiting, None
                await self._work(*arguments)
        finally:
            self._running = False
            self._waiting = None
