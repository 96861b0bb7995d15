"""Churches of LSUN at 64 pixels: the recipe of `celeba64`, without a crop.

Command:   python -m sagan_tf.train --config=lsun_church64 \
               --workdir=runs/lsun_church64 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns `celeba64` on the largest square of each image."""
    config = load_config("celeba64")
    config.dataset.name = "tfds:lsun/church_outdoor"
    config.dataset.crop = 0
    return config
