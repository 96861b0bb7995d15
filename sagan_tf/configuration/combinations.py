"""Refuses fields that are fine one by one and contradict each other."""

from __future__ import annotations

from typing import Any

from sagan_tf.data import formats
from sagan_tf.errors import UserError
from sagan_tf.networks import widths

Fields = dict[str, Any]


def field_error(
    name: str, expected: str, value: Any, hint: str = ""
) -> UserError:
    """Returns the error that a field's value causes.

    Args:
        name: the field's dotted name.
        expected: to follow "should be".
        value: what was received.
        hint: what to add.
    """
    # A section in a field's place would show itself on several lines.
    received = " ".join(repr(value).split())
    return UserError(
        f"config.{name} should be {expected}. Received: {received}{hint}"
    )


def _check_path(fields: Fields) -> None:
    found = formats.find(fields["dataset.name"])
    if found.needs_path and not fields["dataset.path"]:
        what = "the file" if found.path == "file" else "the directory"
        raise field_error("dataset.path", f"{what} of images", "")


def _check_evaluation_data(fields: Fields) -> None:
    # By its name it is known whether a split is the one that is trained on.
    split = fields["dataset.split"]
    value = fields["dataset.evaluation_split"]
    if fields["dataset.evaluation_path"] and split == (value or "evaluation"):
        expected = f'another than dataset.split ("{split}")'
        hint = "; with dataset.evaluation_path write train[:100%] for train"
        raise field_error("dataset.evaluation_split", expected, value, hint)


def _check_format(fields: Fields) -> None:
    name = fields["dataset.name"]
    found = formats.find(name)
    classes, size = fields["dataset.num_classes"], fields["dataset.image_size"]
    if found.num_classes and classes not in (0, found.num_classes):
        expected = f'{found.num_classes} or 0 with the data set "{name}"'
        raise field_error("dataset.num_classes", expected, classes)
    if found.image_size and size != found.image_size:
        expected = f'{found.image_size} with the data set "{name}"'
        raise field_error("dataset.image_size", expected, size)
    if found.embedded and not isinstance(size, int):
        expected = f'one number with the data set "{name}", of squares'
        raise field_error("dataset.image_size", expected, size)


def _check_classes(fields: Fields) -> None:
    classes = fields["dataset.num_classes"]
    if classes and fields["model.architecture"] == "dcgan":
        expected = '0 with the architecture "dcgan", which has no classes'
        raise field_error("dataset.num_classes", expected, classes)
    if fields["dataset.balance"] and fields["dataset.shuffle_window"]:
        expected = "0 with config.dataset.balance, which needs all images"
        value = fields["dataset.shuffle_window"]
        raise field_error("dataset.shuffle_window", expected, value)
    if fields["dataset.balance"] and fields["train.fake_labels"] == "data":
        expected = '"uniform" with config.dataset.balance'
        raise field_error("train.fake_labels", expected, "data")
    name = "model.normalized_class_tables"
    if fields[name] and not classes:
        raise field_error(name, "False without classes", True)


def _check_attention(fields: Fields) -> None:
    size = fields["dataset.image_size"]
    multiples = widths.by_height(fields["model.architecture"], size)
    shared = "model.attention_resolutions"
    own = "model.discriminator_attention_resolutions"
    if fields[own] == (0,):
        own = shared
    for network, place in (("generator", shared), ("discriminator", own)):
        allowed = tuple(multiples[network])
        if not set(fields[place]) <= set(allowed):
            expected = f"any of {allowed} at image size {size}"
            raise field_error(place, expected, fields[place])
        for resolution in fields[place]:
            multiple = multiples[network][resolution]
            _check_attention_channels(fields, network, resolution, multiple)


def _check_attention_channels(
    fields: Fields, network: str, resolution: int, multiple: int
) -> None:
    base = fields["model.base_channels"]
    if network == "discriminator":
        base = fields["model.discriminator_base_channels"] or base
    parts = {"resnet": ("key", "value"), "dcgan": ("key",)}
    for part in parts[fields["model.architecture"]]:
        name = f"model.attention_{part}_divisor"
        if base * multiple < fields[name]:
            expected = (
                f"at most the {network}'s {base * multiple} channels at "
                f"resolution {resolution}"
            )
            raise field_error(name, expected, fields[name])


def _check_loss(fields: Fields) -> None:
    name = "model.spectral_normalization"
    if fields["loss"] == "wasserstein" and fields[name] != "none":
        expected = (
            '"none" with the loss "wasserstein", whose gradient penalty bounds '
            "the discriminator in its place"
        )
        raise field_error(name, expected, fields[name])


def _check_intervals(fields: Fields) -> None:
    for name, unit in (
        ("train.batch_size", "train.gradient_accumulation"),
        ("checkpoint.keep_every", "checkpoint.every_steps"),
    ):
        value, step = fields[name], fields[unit]
        if value % step:
            nearest = max(step, step * round(value / step))
            expected = f"a multiple of config.{unit} ({step})"
            hint = f"; the nearest is {nearest}"
            raise field_error(name, expected, value, hint)


def _check_schedule(fields: Fields) -> None:
    name = "optimizer.end_step"
    end = fields[name] or fields["train.num_steps"]
    warmup = fields["optimizer.warmup_steps"]
    if fields["optimizer.schedule"] != "constant" and end <= warmup:
        expected = f"above config.optimizer.warmup_steps ({warmup})"
        raise field_error(name, expected, fields[name])


def _check_average(fields: Fields) -> None:
    start, last = fields["train.ema_start_step"], fields["train.num_steps"]
    if start >= last:
        expected = f"below config.train.num_steps ({last})"
        raise field_error("train.ema_start_step", expected, start)


def _check_frozen(fields: Fields) -> None:
    name, size = "train.freeze_discriminator", fields["dataset.image_size"]
    blocks = len(widths.discriminator_widths(size))
    if fields["model.architecture"] == "dcgan":
        blocks = len(widths.strided_heights(size))
    if fields[name] > blocks:
        expected = f"at most {blocks}, the discriminator's blocks"
        raise field_error(name, expected, fields[name])


# What the address means to a cluster that needs one, and its slashes.
_ADDRESSES = {
    "kubernetes": ("the label of the pods, such as app=sagan", (0, 1)),
    "gce": ("PROJECT/ZONE/INSTANCE_GROUP", (2,)),
}


def _check_cluster(fields: Fields) -> None:
    strategy, address = (
        fields[f"distribution.{name}"] for name in ("strategy", "address")
    )
    cluster = fields["distribution.cluster"]
    if cluster in _ADDRESSES:
        expected, slashes = _ADDRESSES[cluster]
        if not address or address.count("/") not in slashes:
            raise field_error("distribution.address", expected, address)
    elif address and strategy != "tpu":
        expected = f'empty with the strategy "{strategy}" over {cluster}'
        raise field_error("distribution.address", expected, address)


CHECKS = (
    _check_path,
    _check_evaluation_data,
    _check_format,
    _check_classes,
    _check_attention,
    _check_loss,
    _check_intervals,
    _check_schedule,
    _check_average,
    _check_frozen,
    _check_cluster,
)
