"""Churches of LSUN at 64 pixels without classes, by the residual networks.

The largest square in the middle of each image is resized.

Command:   python -m sagan_tf.train --config=lsun64 \
               --workdir=runs/lsun64 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns `celeba64_resnet` on churches."""
    config = load_config("celeba64_resnet")
    config.dataset.name = "tfds:lsun/church_outdoor"
    config.dataset.crop = 0
    return config
