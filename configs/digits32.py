"""Handwritten digits at 32 pixels, by the recipe of `twins32`.

Command:   python -m sagan_tf.train --config=configs/digits32.py \
               --workdir=runs/digits32
Hardware:  2 cores of an AMD EPYC (Zen 5), bfloat16 by AVX-512
Time:      6 minutes, with the cores shared by other work
Score:     not measured; the digits can be read
"""

import ml_collections

from configs import twins32


def get_config() -> ml_collections.ConfigDict:
    """Returns `twins32` on the digits."""
    config = twins32.get_config()
    config.dataset.name = "digits"
    config.train.num_steps = 2_000
    return config
