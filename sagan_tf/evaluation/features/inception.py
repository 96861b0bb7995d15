"""TF-GAN's Inception, or any SavedModel with the same two outputs."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any, Callable

import tensorflow as tf

from sagan_tf.errors import UserError, one_line
from sagan_tf.evaluation import tfgan
from sagan_tf.evaluation.features.feature_network import (
    FeatureFunction,
    FeatureNetwork,
)
from sagan_tf.user_cache import local_copy

NAME = "inception"
# What TF-GAN asks its network for; a test compares them with TF-GAN's.
LOGITS, POOLED = "logits", "pool_3"
INPUT_SIZE = 299
# Classes and features, which tell TF-GAN's Inception from other networks.
_SIZES = 1008, 2048
_SECONDS_TO_ANSWER = 20
_HASH_LENGTH = 16


def load_inception(
    path: str = "",
    strategy: tf.distribute.Strategy | None = None,
    clean: bool = False,
) -> FeatureNetwork:
    """Loads the feature network of the Inception score and the FID.

    Args:
        path: directory of a SavedModel that gives `logits` and `pool_3`. If it
            is empty TF-GAN's own network is taken from TF-Hub's cache
            (`TFHUB_CACHE_DIR`) or address.
        strategy: how devices share a batch; one device by default.
        clean: whether images are resized as clean-fid does.

    Returns:
        A network named `inception` if it has TF-GAN's 1008 classes and 2048
        features, otherwise `savedmodel-` and the start of its hash.

    Raises:
        UserError: if there is no such network, or no way to fetch it.
    """
    directory = local_copy(path) or _fetch()
    with (strategy or tf.distribute.get_strategy()).scope():
        model = _load(directory)
    select = _select(_callable(model, directory))
    digest, size = _digest(directory), _input_size(model)
    try:
        network = FeatureNetwork(
            select,
            name=NAME,
            hash=digest,
            input_size=size,
            clean=clean,
            strategy=strategy,
        )
    except (ValueError, TypeError, tf.errors.OpError) as error:
        raise UserError(
            f"{directory} should hold a network that takes (batch, {size}, "
            f"{size}, 3) float32 images and gives `{LOGITS}` and `{POOLED}`: "
            f"{one_line(error)[:200]}"
        ) from error
    if (network.num_classes, network.num_features) != _SIZES:
        network.name = f"savedmodel-{digest[:8]}"
    # Nobody else keeps the variables of a signature alive.
    network.model = model
    return network


def _fetch() -> str:
    """Returns the directory of TF-GAN's network, from the cache if it can."""
    with tfgan.quiet():
        import tensorflow_hub

    address = tfgan.inception_address()
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_TO_ANSWER)
    try:
        return tensorflow_hub.resolve(address)
    # A failed download raises errors of a dozen kinds.
    except Exception as error:
        raise UserError(
            f"cannot fetch TF-GAN's Inception ({one_line(error)[:120]}): where "
            f"there is a network, download {address}?tf-hub-format=compressed, "
            "unpack it into a directory here and give --inception_path=DIR; "
            "or have --features=own learn the classes of your data"
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _load(directory: str) -> Any:
    if not (Path(directory) / "saved_model.pb").is_file():
        raise UserError(
            f"--inception_path={directory} should be the directory of a "
            "SavedModel: there is no saved_model.pb in it"
        )
    try:
        return tf.saved_model.load(directory)
    # A broken file raises errors of many kinds.
    except Exception as error:
        raise UserError(
            f"cannot load the SavedModel in {directory}: "
            f"{one_line(error)[:200]}"
        ) from error


def _callable(model: Any, directory: str) -> Callable[..., Any]:
    """Returns what to call: the model, as TF-GAN does, or its signature."""
    if callable(model):
        return model
    if "serving_default" in model.signatures:
        return model.signatures["serving_default"]
    raise UserError(
        f"the SavedModel in {directory} should be callable or have the "
        f"signature serving_default. Received: {sorted(model.signatures)}"
    )


def _input_size(model: Any) -> int:
    """Returns the height that its signature fixes, or TF-GAN's."""
    for signature in getattr(model, "signatures", {}).values():
        _, inputs = signature.structured_input_signature
        for spec in inputs.values():
            if spec.shape.rank == 4 and spec.shape[1]:
                return int(spec.shape[1])
    return INPUT_SIZE


def _select(function: Callable[..., Any]) -> FeatureFunction:
    def select(images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        outputs = function(images)
        is_dict = isinstance(outputs, dict)
        found = sorted(outputs) if is_dict else [type(outputs).__name__]
        if not {LOGITS, POOLED} <= set(found):
            raise ValueError(f"its outputs are {', '.join(found)}.")
        return outputs[LOGITS], outputs[POOLED]

    return select


def _digest(directory: str) -> str:
    """Returns a digest of the files that make the network."""
    digest = hashlib.sha256()
    root = Path(directory)
    files = [root / "saved_model.pb", *sorted(root.glob("variables/*"))]
    for file in files:
        digest.update(os.fsencode(file.relative_to(root)))
        digest.update(file.read_bytes())
    return digest.hexdigest()[:_HASH_LENGTH]
