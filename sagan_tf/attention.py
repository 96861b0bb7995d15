"""Draws attention: `python -m sagan_tf.attention --workdir=... --output=...`.

For each image some points, and for each point where the network looks from
there, for every attention layer. The maps themselves go into an NPZ file beside
the page.
"""

from __future__ import annotations

import sys

from sagan_tf.cli import command, quiet_tensorflow  # noqa: F401

# ruff: isort: split
from typing import Sequence

import numpy as np
from absl import flags

from sagan_tf import image_sizes, runs, storage
from sagan_tf.cli import drawing, run_flags
from sagan_tf.errors import UserError
from sagan_tf.training import devices
from sagan_tf.visualization import (
    attention_capture,
    attention_figures,
    attention_maps,
    sheets,
)
from sagan_tf.whole_files import write_npz

_WORKDIR, _PRETRAINED = run_flags.define()
_OUTPUT = command.define_path("output", None, "PATH.png of the page.")
_NETWORK = flags.DEFINE_enum(
    "network",
    "generator",
    ["generator", "discriminator"],
    "Whose attention: the discriminator's is shown on real images.",
)
_NUM_IMAGES = flags.DEFINE_integer("num_images", 8, "Images on the page.", 1)
_NUM_POINTS = flags.DEFINE_integer(
    "num_points", 4, "Points of each image, the most telling ones.", 1, 8
)
_POINTS = flags.DEFINE_list(
    "points", None, "Points instead, in pixels RIGHT:DOWN, such as 8:20,24:5."
)
_LABELS = flags.DEFINE_list(
    "labels", None, "Classes in turn, by number or name, such as 0,1."
)
_TRUNCATION = flags.DEFINE_float(
    "truncation", 0.0, "Size that no number of a latent exceeds; 0 for none."
)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the images.")
_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "latest", "Of the run: latest, best or a step."
)
_EMA = flags.DEFINE_bool("ema", True, "Take the averaged generator.")
_SIDE = flags.DEFINE_integer(
    "side", 160, "Pixels of an image's side on the page.", 32
)

# Digits that count: a gate that has hardly opened is not -0.00.
_GATE = "+.2g"


def main(argv: list[str]) -> None:
    """Draws the page, writes the maps, and prints how far queries look."""
    del argv
    devices.prepare()
    output = storage.at(_OUTPUT.value)
    if output.suffix.lower() != ".png" or output.is_dir():
        raise UserError(f"--output should be PATH.png. Received: {output}")
    truncation = drawing.check_truncation(_TRUNCATION.value)
    chosen = run_flags.only_one(_WORKDIR, _PRETRAINED)
    run = runs.open_run(chosen.value, _CHECKPOINT.value)
    num_classes = run.config.dataset.num_classes
    labels = drawing.choose_labels(
        _LABELS.value, num_classes, run.class_names()
    )
    labels = np.resize(labels, _NUM_IMAGES.value).astype(np.int32)
    seeds = drawing.count_seeds(_SEED.value, _NUM_IMAGES.value)
    if _NETWORK.value == "generator":
        seen = attention_capture.capture_from_generator(
            run.load_generator(_EMA.value), seeds, labels, truncation
        )
    else:
        images = attention_capture.real_images(
            run.open_dataset(), labels, _SEED.value
        )
        seen = attention_capture.capture_from_discriminator(
            run.load_discriminator(), images, labels
        )
    if not seen.scores:
        raise UserError(
            f"the {_NETWORK.value} of {chosen.value} should have an attention "
            "layer. Received: none"
        )
    queries = {
        size: _choose_queries(scores, seen.images.shape[1:3])
        for size, scores in seen.scores.items()
    }
    _write(output, run, seen, queries)
    sys.stdout.write(_report(run, seen, queries))
    sys.stdout.write(f"{output} and {output.with_suffix('.npz')}\n")


def _choose_queries(
    scores: np.ndarray, image_size: tuple[int, int]
) -> np.ndarray:
    """Returns the queries to show of each image: `(images, points)`."""
    if _POINTS.value is None:
        count = _NUM_POINTS.value
        return np.stack(
            [
                attention_maps.telling_queries(one, count, image_size)
                for one in scores
            ]
        )
    points = drawing.parse_points(_POINTS.value, image_size)
    height, width = image_size
    chosen = [
        attention_maps.query_at(
            down / height, right / width, scores.shape[1], image_size
        )
        for right, down in points
    ]
    return np.tile(chosen, (len(scores), 1))


def _write(
    output: storage.AnyPath,
    run: runs.Run,
    seen: attention_capture.CapturedAttention,
    queries: dict[int, np.ndarray],
) -> None:
    names = run.class_names()
    rows = [
        attention_figures.Row(
            seen.images[index],
            seen.scores[size][index],
            queries[size][index],
            _caption(names, seen, index, size),
        )
        for index in range(len(seen.images))
        for size in queries
    ]
    title = f"Where the {_NETWORK.value} looks, step {run.step:,}"
    page = attention_figures.page(
        rows, title, _notes(seen), _SIDE.value, across=1 + (len(rows) > 5)
    )
    sheets.write_png(str(output), page)
    arrays = {"images": sheets.to_uint8(seen.images)}
    arrays.update(labels=seen.labels, step=run.step)
    for size, scores in seen.scores.items():
        arrays[f"attention_{size}"] = scores
        arrays[f"queries_{size}"] = queries[size]
        arrays[f"distances_{size}"] = attention_maps.mean_distances(
            scores, seen.images.shape[1:3]
        )
    write_npz(output.with_suffix(".npz"), compressed=True, **arrays)


def _caption(
    names: Sequence[str],
    seen: attention_capture.CapturedAttention,
    index: int,
    size: int,
) -> str:
    lines = [names[seen.labels[index]]] if names else []
    if len(seen.scores) > 1:
        lines.append(f"{_map(seen, size)} map")
    return "\n".join(lines)


def _map(seen: attention_capture.CapturedAttention, height: int) -> str:
    """Returns `16x24` for a map of 16 rows and 24 columns."""
    width = image_sizes.map_width(seen.images.shape[1:3], height)
    return image_sizes.words((height, width))


def _notes(seen: attention_capture.CapturedAttention) -> list[str]:
    layers = ", ".join(
        f"{_map(seen, size)} (gate {gate:{_GATE}})"
        for size, gate in seen.gates.items()
    )
    return [
        f"Self-attention on maps of {layers}. Each dot has a panel of its "
        "colour: bright is what that point attends to.",
        "Distances are means by attention, in sides of the image; attention "
        f"to everything alike is {_even(seen):.2f} away.",
        *_uniform_layers(seen),
    ]


def _uniform_layers(seen: attention_capture.CapturedAttention) -> list[str]:
    """Says which layers look nowhere in particular."""
    lines = []
    for size, scores in seen.scores.items():
        spreads = attention_maps.spreads(scores)
        share = np.mean(spreads > attention_maps.NEARLY_UNIFORM)
        if share > 0.5:
            lines.append(
                f"On {_map(seen, size)} maps (gate {seen.gates[size]:{_GATE}}) "
                f"{share:.0%} of the points attend to all keys nearly alike "
                f"({spreads.mean():.3f} of the greatest entropy): drawn dim."
            )
    return lines


def _even(seen: attention_capture.CapturedAttention) -> float:
    last = list(seen.scores.values())[-1]
    return attention_maps.uniform_distance(
        *last.shape[1:], seen.images.shape[1:3]
    )


def _report(
    run: runs.Run,
    seen: attention_capture.CapturedAttention,
    queries: dict[int, np.ndarray],
) -> str:
    """Says how far the queries look: all of them, then those shown."""
    names, lines = run.class_names(), []
    form = seen.images.shape[1:3]
    for size, scores in seen.scores.items():
        distances = attention_maps.mean_distances(scores, form)
        spread = attention_maps.spreads(scores).mean()
        even = attention_maps.uniform_distance(*scores.shape[1:], form)
        lines.append(
            f"{_NETWORK.value}, step {run.step:,}, {_map(seen, size)}: mean "
            f"distance {distances.mean():.3f} sides (even attention "
            f"{even:.3f}), spread {spread:.2f}, gate {seen.gates[size]:{_GATE}}"
        )
        for index, label in enumerate(seen.labels):
            shown = "  ".join(
                f"{distances[index, query]:.2f}"
                for query in queries[size][index]
            )
            name = names[label] if names else f"image {index}"
            lines.append(f"  {name:<20} {distances[index].mean():.2f}: {shown}")
    return "\n".join([*lines, *_uniform_layers(seen)]) + "\n"


def cli() -> None:
    """Runs this command: what `sagan-attention` calls."""
    command.run(main, required_flags=("output",))


if __name__ == "__main__":
    cli()
