"""Churches of LSUN at 64 pixels: the recipe of `celeba64`, without a crop.

Command:   python -m sagan_tf.train --config=configs/lsun_church64.py \
               --workdir=runs/lsun_church64 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from configs import celeba64


def get_config() -> ml_collections.ConfigDict:
    """Returns `celeba64` on the largest square of each picture."""
    config = celeba64.get_config()
    config.dataset.name = "tfds:lsun/church_outdoor"
    config.dataset.crop = 0
    return config
