"""ImageNet at 64 pixels, as TensorFlow Datasets has it resized already.

`--config.dataset.download=True` fetches and prepares them once.

Command:   python -m sagan_tf.train --config=imagenet64 \
               --workdir=runs/imagenet64 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns `imagenet128` at 64 pixels."""
    config = load_config("imagenet128")
    config.dataset.name = "tfds:imagenet_resized/64x64"
    config.dataset.image_size = 64
    return config
