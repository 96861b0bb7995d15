"""Files as PyTorch-StudioGAN writes them, with random weights.

    python -m tests.interop.studiogan_files DIR

writes the pair of its ImageNet SAGAN at full width, state of Adam and all.
"""

import pathlib
import sys

import numpy as np

from sagan_tf.interop import assignment, studiogan
from sagan_tf.networks import Discriminator, Generator
from tests.interop import pytorch_files

LAYERS = (studiogan._generator_layers, studiogan._discriminator_layers)
# What its configuration of ImageNet has.
IMAGENET = {
    "image_size": 128,
    "attention": (64,),
    "num_classes": 1000,
    "latent_dim": 128,
    "base_channels": 64,
}


def states(
    image_size=32,
    attention=(16,),
    seed=0,
    num_classes=3,
    latent_dim=6,
    base_channels=8,
):
    """Returns networks, and state dicts as PyTorch would name them."""
    generator = Generator(
        image_size,
        num_classes,
        latent_dim=latent_dim,
        base_channels=base_channels,
        attention_resolutions=attention,
        **studiogan._GENERATOR_OPTIONS,
    )
    discriminator = Discriminator(
        image_size,
        num_classes,
        base_channels=base_channels,
        attention_resolutions=attention,
        rectified_shortcuts=True,
    )
    found = []
    random = np.random.default_rng(seed)
    for network, layers in zip((generator, discriminator), LAYERS):
        network.build_from_config({})
        network.set_weights(
            [random.uniform(0.5, 1, w.shape) for w in network.get_weights()]
        )
        found.append(
            {
                name: to_pytorch(name, assignment.variable(layer, attribute))
                for layer, names in layers(network)
                for attribute, name in names.items()
            }
        )
    return (generator, discriminator), found


def to_pytorch(name, variable):
    array = variable.numpy()
    if name.endswith("weight_u"):
        array = array[0]
    if array.ndim == 4:
        array = array.transpose(3, 2, 0, 1)
    elif array.ndim == 2 and not name.startswith("embedding."):
        array = array.T
    if name.startswith("linear0."):
        # From 4x4 with channels last to channels first.
        array = array.reshape(16, -1, *array.shape[1:]).swapaxes(0, 1)
        array = array.reshape(-1, *array.shape[2:])
    return np.ascontiguousarray(array)


def whole(state):
    """Returns a state dict with all that the import leaves alone."""
    beside = {}
    for name, array in state.items():
        scope = name.rpartition(".")[0]
        if name.endswith("weight_orig"):
            width = array[0].size
            beside[f"{scope}.weight_v"] = np.ones(width, np.float32)
        elif name.endswith("running_var"):
            beside[f"{scope}.num_batches_tracked"] = np.zeros((), np.int64)
    moments = {
        f"optimizer/{number}/{name}": np.zeros_like(array)
        for number, array in enumerate(state.values())
        for name in ("exp_avg", "exp_avg_sq")
    }
    return {**state, **beside, **moments}


def apart(tensors):
    """Returns what StudioGAN stores, of tensors by name."""
    content = {"step": 100_000, "state_dict": {}, "optimizer": {}}
    for name, tensor in tensors.items():
        place = "optimizer" if name.startswith("optimizer/") else "state_dict"
        content[place][name] = tensor
    return content


def main(directory):
    path = pathlib.Path(directory)
    path.mkdir(parents=True, exist_ok=True)
    for name, state in zip("GD", states(**IMAGENET)[1]):
        file = path / f"model={name}-best-weights-step=100000.pth"
        pytorch_files.write(file, whole(state), apart)
        sys.stdout.write(f"{file}: {file.stat().st_size / 1e6:.0f} MB\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
