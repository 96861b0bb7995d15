"""ImageNet at 128 pixels by the paper's text where the release differs.

Keys and values are not pooled, values have an eighth of the channels, Adam's
beta_2 is 0.9, the discriminator sees real and generated images one after the
other, and no average of the generator is kept; see docs/fidelity.md.

Command:   python -m sagan_tf.train --config=paper \
               --workdir=runs/paper --config.dataset.path=DIR
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns the run of the paper's text."""
    config = load_config("imagenet128")
    config.model.attention_pooling = False
    config.model.attention_value_divisor = 8
    config.optimizer.beta_2 = 0.9
    config.train.ema_decay = 0.0
    config.train.separate_discriminator_passes = True
    return config
