"""Handwritten digits at 32 pixels, wider and slower than `twins32`.

Command:   python -m sagan_tf.train --config=digits32 \
               --workdir=runs/digits32
Hardware:  2 cores of an AMD EPYC (Zen 5), bfloat16 by AVX-512
Time:      6 minutes, with the cores shared by other work
Score:     not measured; the digits can be read
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns a run of 64 channels throughout on the digits."""
    config = load_config("twins32")
    config.dataset.name = "digits"
    config.model.base_channels = 16
    config.model.discriminator_base_channels = 32
    config.optimizer.generator_learning_rate = 1.5e-4
    config.optimizer.discriminator_learning_rate = 6e-4
    config.train.ema_decay = 0.995
    config.train.num_steps = 2_000
    return config
