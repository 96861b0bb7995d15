"""`classes.json`: which classes and images a run learns from."""

from __future__ import annotations

import json
from typing import Any

from absl import logging

from sagan_tf.data import ImageDataset
from sagan_tf.errors import UserError
from sagan_tf.training.workdir import Workdir
from sagan_tf.whole_files import replacing

_MOST_LISTED = 20


def remember(dataset: ImageDataset, workdir: Workdir) -> None:
    """Keeps the classes with the run, and refuses to go on with others.

    Label 0 of a run means what it meant when the run began. Other images of
    the same classes are allowed, and said.

    Raises:
        UserError: if the run began with other classes.
    """
    known = _read(workdir)
    names, identity = list(dataset.class_names), dataset.identity()
    if known and known["names"] != names:
        raise UserError(
            f"the images should have the classes that {workdir.path} began "
            f"with: {_list(known['names'])}. Received: {_list(names)}"
        )
    if known and known["identity"] != identity:
        logging.warning(
            "the run goes on with other images of the same classes: %s, "
            "before: %s",
            identity,
            known["identity"],
        )
    with replacing(workdir.classes) as aside:
        content = {"names": names, "identity": identity}
        aside.write_text(json.dumps(content, indent=2) + "\n")


def known_names(workdir: Workdir) -> tuple[str, ...] | None:
    """Returns the class names of a run in the order of its labels.

    Returns:
        None if there is no run yet, nothing if it is older than the file.
    """
    known = _read(workdir)
    if not known and not workdir.config.exists():
        return None
    return tuple(known.get("names", ()))


def _read(workdir: Workdir) -> dict[str, Any]:
    if not workdir.classes.exists():
        return {}
    try:
        content = json.loads(workdir.classes.read_text())
        return {"names": content["names"], "identity": content["identity"]}
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{workdir.classes} should be JSON with names and identity. "
            f"Received: {error}"
        ) from error


def _list(names: list[str]) -> str:
    listed = ", ".join(names[:_MOST_LISTED]) or "none"
    rest = len(names) - _MOST_LISTED
    return listed + (f" and {rest} more" if rest > 0 else "")
