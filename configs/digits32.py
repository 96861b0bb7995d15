"""Handwritten digits at 32 pixels, by the recipe of `twins32`.

Command:   python -m sagan_tf.train --config=configs/digits32.py \
               --workdir=runs/digits32
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from configs import twins32


def get_config() -> ml_collections.ConfigDict:
    """Returns `twins32` on the digits."""
    config = twins32.get_config()
    config.dataset.name = "digits"
    config.train.num_steps = 2_000
    return config
