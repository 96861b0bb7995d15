"""What a run will do, in words, before it does it."""

from __future__ import annotations

from typing import Any, Iterator

import tensorflow as tf

from sagan_tf.data import ImageDataset
from sagan_tf.data.findings import CHANNEL_WORDS
from sagan_tf.gan import SAGAN
from sagan_tf.image_sizes import sides
from sagan_tf.training.loop import Schedule

_GIB = 2**30


def describe(
    gan: SAGAN,
    dataset: ImageDataset,
    schedule: Schedule,
    strategy: tf.distribute.Strategy,
    changes: dict[str, tuple[Any, Any]] | None = None,
) -> str:
    """Returns the networks, sizes, data, steps and devices of a run.

    Args:
        gan: the compiled model.
        dataset: the real images.
        schedule: batch size and steps.
        strategy: how devices are used.
        changes: the old value and the new one of what differs from the run so
            far, by field.

    Returns:
        Several lines.
    """
    replicas = strategy.num_replicas_in_sync
    device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
    start, updates = int(gan.step.numpy()), gan.discriminator_steps
    memory = _memory_estimate(gan, schedule, replicas)
    height, width = sides(dataset.image_size)
    facts = {
        "data": f"{dataset.name}: {dataset.num_examples:,} images of "
        f"{height} x {width}{CHANNEL_WORDS[dataset.channels]}, "
        f"{dataset.num_classes or 'no'} classes",
        "batch": f"{schedule.batch_size} images, "
        f"{schedule.batch_size // replicas} on each of {replicas} {device}",
        "steps": f"{start:,} to {schedule.num_steps:,}, "
        f"{updates} discriminator update{'s' if updates > 1 else ''} each",
        "dtype": gan.generator.dtype_policy.name,
        "memory": f"about {memory:.1f} GiB per device",
    }
    return "\n".join(
        [
            *_network_lines("generator", gan.generator),
            *_network_lines("discriminator", gan.discriminator),
            *(f"{name:<16}{fact}" for name, fact in facts.items()),
            *(f"{'change':<16}{line}" for line in list_changes(changes or {})),
        ]
    )


def list_changes(changes: dict[str, tuple[Any, Any]]) -> list[str]:
    """Returns a line such as `train.batch_size: 32 -> 64` for each field.

    Args:
        changes: the old value and the new one by field.
    """
    return [
        f"{name}: {old!r} -> {new!r}" for name, (old, new) in changes.items()
    ]


def _network_lines(title: str, network: tf.keras.Model) -> Iterator[str]:
    total = _count(network)
    yield f"{title:<16}{total:,} parameters"
    for sizes, stage in network.stage_shapes():
        shape = " x ".join(map(str, sizes))
        total -= _count(stage)
        yield f"  {stage.name:<14}{shape:<18}{_count(stage):,}"
    yield f"  {'first and last':<32}{total:,}"


def _count(layer: tf.keras.layers.Layer) -> int:
    return sum(v.shape.num_elements() for v in layer.trainable_variables)


def _memory_estimate(gan: SAGAN, schedule: Schedule, replicas: int) -> float:
    """GiB of weights, their copies, and the maps kept for the gradients.

    Each network has its weights, a gradient and two moments of Adam, and the
    generator an average. The larger of the two updates keeps the maps of both
    networks: about five of its output's size per stage, and the scores where
    there is attention.
    """
    weights = 5 * _count(gan.generator) + 4 * _count(gan.discriminator)
    batch = schedule.batch_size // replicas // gan.gradient_accumulation
    width = 2 if "16" in gan.generator.compute_dtype else 4
    maps = 0
    for network in (gan.generator, gan.discriminator):
        for (height, across, channels), _ in network.stage_shapes():
            maps += 5 * height * across * channels * width
            if height in network.attention_layers():
                maps += 4 * (height * across) ** 2
    return (weights * 4 + 2 * batch * maps) / _GIB
