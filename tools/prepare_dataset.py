"""Prepares pictures of any kind as shards, once for all runs.

    python -m tools.prepare_dataset --dataset=folder --path=DIR \
        --image_size=128 --output=DIR

The shards depend on the pictures and on the flags alone, not on the number of
processes. Killed and started again it goes on with the shard where it stopped.
Train with `dataset.name=shards` and `dataset.path` as `--output`.
"""

from __future__ import annotations

import os
import sys

from sagan_tf import command

# ruff: isort: split
import tqdm
from absl import flags

from sagan_tf.data import readers
from sagan_tf.data.counts import first_examples
from sagan_tf.data.pictures import RESIZES, Framing
from sagan_tf.data.shards import ShardsReader
from tools.preparation import finishing, plan, workers, writing

_DATASET = flags.DEFINE_string(
    "dataset", "folder", "folder, tfds:NAME, improved_gan, hdf5 or shards."
)
_PATH = flags.DEFINE_string("path", "", "File or directory of the pictures.")
_OUTPUT = flags.DEFINE_string("output", None, "Directory for the shards.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 128, "Height and width.", 1)
_CROP = flags.DEFINE_integer(
    "crop", 0, "Side of the middle square; 0 for the largest, as the release."
)
_RESIZE = flags.DEFINE_enum(
    "resize", "lanczos", list(RESIZES), "Filter; the release had bilinear."
)
_ON_SMALL = flags.DEFINE_enum(
    "on_small", "refuse", ["refuse", "enlarge"], "What a small picture does."
)
_ON_UNREADABLE = flags.DEFINE_enum(
    "on_unreadable", "refuse", ["refuse", "skip"], "What a broken file does."
)
_NUM_CLASSES = flags.DEFINE_integer(
    "num_classes", -1, "Number of classes; -1 as the data, 0 for none.", -1
)
_NUM_EXAMPLES = flags.DEFINE_integer(
    "num_examples", 0, "Only the first so many pictures; 0 for all.", 0
)
_SPLIT = flags.DEFINE_string("split", "train", "Split of tfds:NAME.")
_LABEL_KEY = flags.DEFINE_string("label_key", "", "Labels of tfds:NAME.")
_LABEL_OFFSET = flags.DEFINE_integer(
    "label_offset", 0, "Added to the labels of improved_gan."
)
_DOWNLOAD = flags.DEFINE_bool("download", False, "Let tfds:NAME download.")
_SHARD_SIZE = flags.DEFINE_integer(
    "shard_size", 2_048, "Pictures in a file.", 1
)
_PROCESSES = flags.DEFINE_integer(
    "processes", 0, "Processes; 0 for one on each core.", 0
)
_VERIFY = flags.DEFINE_bool(
    "verify", False, "Only compare --output with its checksums."
)


def main(argv: list[str]) -> None:
    """Prepares, or verifies."""
    del argv
    if _VERIFY.value:
        ShardsReader(path=_OUTPUT.value).verify()
        _say(f"{_OUTPUT.value}: every shard is as it was written")
        return
    num_classes = None if _NUM_CLASSES.value < 0 else _NUM_CLASSES.value
    reader = readers.open_reader(
        _DATASET.value,
        path=_PATH.value,
        num_classes=num_classes,
        split=_SPLIT.value,
        label_key=_LABEL_KEY.value,
        label_offset=_LABEL_OFFSET.value,
        download=_DOWNLOAD.value,
    )
    readers.check_classes(reader, num_classes)
    framing = Framing(
        _IMAGE_SIZE.value, _CROP.value, _RESIZE.value, _ON_SMALL.value
    )
    count = first_examples(
        reader.name, len(reader), _NUM_EXAMPLES.value or None
    )
    prepare(
        reader,
        plan.make_plan(
            reader,
            framing=framing,
            num_classes=num_classes,
            shard_size=_SHARD_SIZE.value,
            num_examples=count,
            on_unreadable=_ON_UNREADABLE.value,
        ),
        _OUTPUT.value,
        _PROCESSES.value or os.cpu_count() or 1,
    )
    _say(finishing.summary(_OUTPUT.value))
    _say(f"look at {finishing.write_sheet(_OUTPUT.value)}")


def prepare(
    reader: readers.Reader, what: plan.Plan, output: str, processes: int
) -> None:
    """Write the shards that are not there yet, and their index.

    Args:
        reader: reads the pictures.
        what: what is to be done.
        output: directory of the shards.
        processes: how many processes work at once.

    Raises:
        UserError: if the output holds something else, or a picture cannot be
            used.
    """
    index = finishing.read_index(output)
    if index is not None:
        plan.check_same(output, what, index["settings"])
        _say(f"{output} is prepared already")
        finishing.clean(output, os.path.join(output, plan.PROGRESS))
        return
    progress = plan.begin(output, what)
    finishing.remove_leftovers(output)
    entries = [writing.read_entry(progress, n) for n in range(what.num_shards)]
    missing = [n for n, entry in enumerate(entries) if entry is None]
    done = sum(len(what.shard(n)) for n, e in enumerate(entries) if e)
    # A file or a pipe gets a line now and then, not a flood.
    pause = 0.1 if sys.stderr.isatty() else 15.0
    with tqdm.tqdm(
        total=what.num_examples,
        initial=done,
        unit="picture",
        file=sys.stderr,
        leave=False,
        mininterval=pause,
        delay=pause,
    ) as bar:
        workers.write_shards(
            reader,
            what,
            missing,
            output=output,
            progress=progress,
            processes=processes,
            report=bar.update,
        )
    finishing.write_index(output, progress, what)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    command.run(main, required_flags=("output",))
