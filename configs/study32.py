"""Twins at 32 pixels, small: the base of the studies in docs/results.md.

Command:   python -m tools.ablation --study=attention
Hardware:  2 cores of an AMD EPYC (Zen 5), bfloat16 by AVX-512
Time:      about six minutes of one core, scoring not counted
Coherence: 0.892 of 1,000 samples (0.222 with shuffled halves), mean of three
           seeds
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns a run of minutes on one core, 32 channels throughout."""
    config = load_config("twins32")
    config.optimizer.generator_learning_rate = 1.5e-4
    config.optimizer.discriminator_learning_rate = 6e-4
    config.train.ema_decay = 0.995
    config.train.num_steps = 4_000
    config.log.every_steps = 50
    config.log.sheet_every_steps = 250
    config.checkpoint.every_steps = 250
    config.checkpoint.keep = 1
    return config
