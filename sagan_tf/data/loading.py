"""From the name of a data set to an `ImageDataset`."""

from __future__ import annotations

import dataclasses
from typing import Any, Sequence

from sagan_tf import storage
from sagan_tf.data.dataset import ImageDataset
from sagan_tf.data.formats import find, open_importer
from sagan_tf.data.framing import Framing
from sagan_tf.data.importer import DrawnImages, checked_count
from sagan_tf.data.order import Pipeline
from sagan_tf.data.placement import place
from sagan_tf.data.service import remote_load
from sagan_tf.errors import UserError
from sagan_tf.image_sizes import ImageSize


def open_dataset(
    name: str,
    *,
    path: str = "",
    image_size: ImageSize,
    num_classes: int | None = None,
    num_examples: int | None = None,
    on_unreadable: str = "refuse",
    on_small: str = "refuse",
    crop: int = 0,
    resize: str = "lanczos",
    fit: str = "crop",
    channels: int = 3,
    background: str = "white",
    value_range: tuple[float, ...] = (),
    cache: str = "",
    class_order: Sequence[str] | None = None,
    **options: Any,
) -> ImageDataset:
    """Opens the data set `name`, of any format in `sagan_tf.data.formats`.

    Args:
        name: name of a format, or `tfds:NAME[/config][:version]`.
        path: where the files are, unless they are embedded; those in a store
            are copied into the user's cache directory.
        image_size: height and width of the images it yields, in pixels: a
            number for squares, or a pair.
        num_classes: `None` for the classes that the data set has, their number
            to make sure of it, 0 to ignore them (unconditional training).
        num_examples: the first so many images; `None` for all, which for
            `twins` means 20,000 to train on and 10,000 to test with.
        on_unreadable: what to do about a file that is no whole image:
            `"refuse"` them all, or `"skip"` the file with a warning.
        on_small: what to do about an image of fewer pixels: `"refuse"` it, or
            `"enlarge"` it.
        crop: side of the square that is cut out of the middle; 0 for none.
        resize: filter: lanczos, bicubic, bilinear or box.
        fit: `"crop"`, `"pad"` or `"stretch"`, as `Framing` takes it.
        channels: 1, 3 or 4.
        background: colour below what is transparent, and around what is
            padded.
        value_range: what becomes black and white in images of more than 8
            bits; empty for the whole range.
        cache: where decoded images are kept. Empty: in memory if they fit into
            a gigabyte, else as shards in the user's cache directory, which
            takes time once. `"memory"`: there, whatever they take. `"none"`:
            nowhere, they are decoded whenever they are wanted. Else the
            directory for the shards; in a store they are for all machines, and
            read from a copy here.
        class_order: names of the classes in the order of the labels, as the
            run that goes on knows them; empty for a run that is older than
            its list of names. None is a new run.
        **options: options of the format (`formats.OPTIONS`), and attributes of
            `sagan_tf.data.order.Pipeline`.

    Returns:
        An `ImageDataset`.

    Raises:
        UserError: if an argument does not fit, or the files do not.
    """
    if not storage.is_known(cache):
        raise UserError(
            f"`cache` should be {storage.expected()}. Received: {cache!r}"
        )
    names = {field.name for field in dataclasses.fields(Pipeline)}
    pipeline = Pipeline(
        **{key: options.pop(key) for key in names & set(options)}
    )
    framing = Framing(
        image_size,
        crop,
        resize,
        on_small,
        fit,
        channels,
        background,
        value_range,
    ).checked()
    if on_unreadable not in ("refuse", "skip"):
        raise UserError(
            "`on_unreadable` should be refuse or skip. "
            f"Received: {on_unreadable!r}"
        )
    found = find(name)
    if found and found.embedded:
        _refuse_files(name, path, framing, cache, pipeline)
    importer = open_importer(
        name,
        path=path,
        num_classes=num_classes,
        class_order=class_order,
        **options,
    )
    if num_examples is None:
        num_examples = importer.usual_count
    count = checked_count(name, importer.count, num_examples)
    store = place(importer, count, framing, on_unreadable, cache)
    dataset = ImageDataset(
        store,
        name=importer.name,
        framing=framing,
        class_names=() if num_classes == 0 else importer.class_names,
        identity=lambda: importer.identity() + framing.unusual(),
        shard_sizes=importer.shard_sizes,
        importer=None if isinstance(importer, DrawnImages) else importer,
    )
    if pipeline.balance and (dataset.labels is None or not dataset.num_classes):
        raise UserError(
            "`balance` needs classes that are known before images are read: "
            f"those of data set `{name}` are not; prepare it as shards with "
            "tools.prepare_dataset"
        )
    dataset.pipeline = pipeline
    if pipeline.service:
        dataset.remote_load = remote_load(
            importer, count, store.num_examples, framing
        )
    return dataset


def _refuse_files(
    name: str, path: str, framing: Framing, cache: str, pipeline: Pipeline
) -> None:
    given = {
        "path": path,
        "crop": framing.crop,
        "cache": cache,
        "service": pipeline.service,
    }
    for argument, value in given.items():
        if value:
            raise UserError(
                f"data set `{name}` is embedded: `{argument}` should be left "
                f"at its default. Received: {value!r}"
            )
