"""Writes the reference of the fields: `python -m tools.fields_reference`.

The page is docs/configuration.md.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Iterator

from sagan_tf.configuration.fields import FIELDS, SECTIONS, Field

_HEAD = """\
# Configuration

Every field of a run, with its default. A configuration file starts from
`configs/default.py` and sets what differs; any field can be set on the command
line too, after `--config`:

    python -m sagan_tf.train --config=configs/twins32.py \\
        --workdir=runs/twins32 --config.train.batch_size=16

The default is the release's value where the release has one. *May change* is
what a run that goes on may have another value of; all else makes another model.

This page is made by `python -m tools.fields_reference`.
"""


def markdown() -> str:
    """Returns the page: a list of fields for each section."""
    parts = [_HEAD]
    for section, doc in SECTIONS.items():
        title = f"`{section}`: {doc}" if section else doc
        parts.append(f"## {title}\n")
        parts += _entries(section)
    return "\n".join(parts)


def _entries(section: str) -> Iterator[str]:
    for field in FIELDS.values():
        if field.section == section:
            yield textwrap.fill(
                _entry(field),
                80,
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    yield ""


def _entry(field: Field) -> str:
    default = f'"{field.default}"'
    if not isinstance(field.default, str):
        default = repr(field.default)
    notes = [f"{field.check.expected}, default `{default}`"]
    if field.only_if is not None:
        notes.append(f"depends on `{field.only_if.field}`")
    if field.may_change:
        notes.append("may change")
    return f"- `{field.name}` ({'; '.join(notes)}): {field.doc}."


if __name__ == "__main__":
    sys.stdout.write(markdown())
