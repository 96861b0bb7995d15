"""Trains torch-mimicry's SAGAN of 32 pixels for a while, and keeps its samples.

It runs in an environment of its own, with nothing of ours in it:

    python -m venv peer && peer/bin/pip install torch torchvision tensorboard \\
        torch-mimicry==0.1.16
    peer/bin/python tools/peer_hour/train_mimicry.py \\
        --data=fashion --output=runs/mimicry --channels=32

Networks, updates and schedule are theirs, called as their trainer calls them;
settings are the defaults of their README. In `--output` it leaves `real.npz`,
the images of the test split, `minute_N.npz`, samples of the generator as it was
after so many minutes, and `log.json`; what samples take is not counted.
"""

from __future__ import annotations

import argparse
import copy
import gzip
import json
import pathlib
import sys
import time
import types
from importlib import metadata
from typing import Any, Iterator

import numpy as np
import torch
import torchvision  # noqa: F401

# Theirs is of 2020: it looks for a module that torch no longer has. And it
# imports TensorFlow, which has to come after torchvision.
sys.modules["torch._six"] = types.SimpleNamespace(PY3=True)

# ruff: isort: split
from torch_mimicry.nets import sagan  # noqa: E402
from torch_mimicry.training import metric_log, scheduler  # noqa: E402

_NUM_CLASSES = 10
_BATCH_SIZE = 64
_RATE = 2e-4
_BETAS = (0.0, 0.9)
_DISCRIMINATOR_STEPS = 5
_NUM_STEPS = 100_000


def read(folder: pathlib.Path, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns images `(count, 32, 32, 3)` and labels, both uint8.

    The 28 grey pixels of the files get a black margin, and three channels.

    Args:
        folder: of the four IDX files, compressed by gzip.
        split: train or t10k.
    """
    with gzip.open(folder / f"{split}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16)
    with gzip.open(folder / f"{split}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8).copy()
    images = images.reshape(-1, 28, 28)
    images = np.pad(images, [(0, 0), (2, 2), (2, 2)])
    return np.repeat(images[..., np.newaxis], 3, axis=-1), labels


def batches(
    images: np.ndarray, labels: np.ndarray
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields batches in a new order each epoch, images in [-1, 1]."""
    held = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
    known = torch.from_numpy(labels).long()
    while True:
        order = torch.randperm(len(held))
        for numbers in order.split(_BATCH_SIZE)[: len(held) // _BATCH_SIZE]:
            yield held[numbers].float() / 127.5 - 1.0, known[numbers]


def train(
    networks: tuple[torch.nn.Module, torch.nn.Module],
    data: Iterator[tuple[torch.Tensor, torch.Tensor]],
    minutes: float,
    every: float,
) -> dict[float, dict[str, Any]]:
    """Trains until the time is over.

    Args:
        networks: generator and discriminator.
        data: yields batches.
        minutes: how long.
        every: minutes between two copies of the generator.

    Returns:
        Step and weights of the generator by the minutes that it had.
    """
    generator, discriminator = networks
    optimizers = [
        torch.optim.Adam(network.parameters(), lr=_RATE, betas=_BETAS)
        for network in networks
    ]
    rates = scheduler.LRScheduler(
        "linear", optimizers[1], optimizers[0], _NUM_STEPS
    )
    log, step, kept, began = metric_log.MetricLog(), 0, {}, time.monotonic()
    while True:
        for _ in range(_DISCRIMINATOR_STEPS):
            batch = next(data)
            discriminator.train_step(
                real_batch=batch,
                netG=generator,
                optD=optimizers[1],
                log_data=log,
            )
        generator.train_step(
            real_batch=batch,
            netD=discriminator,
            optG=optimizers[0],
            log_data=log,
        )
        step += 1
        rates.step(log_data=log, global_step=step)
        spent = (time.monotonic() - began) / 60.0
        if spent >= min((len(kept) + 1) * every, minutes):
            weights = copy.deepcopy(generator.state_dict())
            kept[round(spent, 2)] = {"step": step, "weights": weights}
            done = f"{spent:.1f} of {minutes:g} minutes"
            print(f"{done}, step {step}", flush=True)
        if spent >= minutes:
            return kept


@torch.no_grad()
def sample(generator: torch.nn.Module, count: int) -> np.ndarray:
    """Returns samples of all classes alike, `(count, 32, 32, 3)`, uint8.

    The three channels that it draws become their mean.
    """
    drawn = []
    for labels in (torch.arange(count) % _NUM_CLASSES).split(100):
        latents = torch.randn(len(labels), generator.nz)
        images = generator.eval()(latents, labels).mean(1, keepdim=True)
        images = ((images + 1.0) * 127.5).round().clamp(0, 255).byte()
        drawn.append(images.permute(0, 2, 3, 1).repeat(1, 1, 1, 3).numpy())
    return np.concatenate(drawn)


def main() -> None:
    """Trains, and keeps what is to be scored."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--every", type=float, default=5.0)
    parser.add_argument(
        "--channels",
        type=int,
        default=0,
        help="of every layer of both networks; 0 for theirs, 256 and 128",
    )
    parser.add_argument("--num_samples", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(given.output / "real.npz", read(given.data, "t10k")[0])

    torch.manual_seed(0)
    sizes = given.channels or 256, given.channels or 128
    generator = sagan.SAGANGenerator32(_NUM_CLASSES, ngf=sizes[0])
    discriminator = sagan.SAGANDiscriminator32(_NUM_CLASSES, ndf=sizes[1])
    kept = train(
        (generator, discriminator),
        batches(*read(given.data, "train")),
        given.minutes,
        given.every,
    )
    packages = ("torch", "torch-mimicry")
    log = {
        "versions": {name: metadata.version(name) for name in packages},
        "threads": torch.get_num_threads(),
        "channels": sizes,
        "batch_size": _BATCH_SIZE,
        "discriminator_steps": _DISCRIMINATOR_STEPS,
        "steps": {minutes: copied["step"] for minutes, copied in kept.items()},
    }
    (given.output / "log.json").write_text(json.dumps(log, indent=2) + "\n")
    for minutes, copied in kept.items():
        torch.manual_seed(0)
        generator.load_state_dict(copied["weights"])
        images = sample(generator, given.num_samples)
        np.savez_compressed(given.output / f"minute_{minutes:g}.npz", images)


if __name__ == "__main__":
    main()
