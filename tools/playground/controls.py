"""Fields and sliders of the playground's page. Needs NiceGUI, an extra."""

from __future__ import annotations

from typing import Callable

from nicegui import ui


def number(label: str, value: int, update: Callable, name: str) -> ui.number:
    """Builds a field for a whole number, which tests find by its name."""
    return (
        ui.number(label, value=value, precision=0, on_change=update)
        .props(f"dense data-testid={name}")
        .classes("w-full")
    )


def slider(
    label: str,
    steps: tuple[float, float, float],
    value: float,
    update: Callable,
    name: str,
    last: str = "",
) -> ui.slider:
    """Builds a slider with its value beside the label.

    Its steps are the least and the greatest value, and what is between two;
    `last` is what the greatest is called, if it is no number.
    """
    with ui.row().classes("w-full justify-between"):
        ui.label(label)
        shown = ui.label()
    low, high, step = steps
    slider = ui.slider(min=low, max=high, step=step, value=value)
    slider.props(f"data-testid={name}")
    slider.on_value_change(update)
    shown.bind_text_from(
        slider,
        "value",
        lambda number: last if last and number >= high else f"{number:g}",
    )
    return slider
