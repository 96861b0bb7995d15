"""CelebA's faces at 64 pixels without classes, by the residual networks.

The aligned images are 178x218; the middle 160x160 is cut out of each.

Command:   python -m sagan_tf.train --config=celeba64_resnet \
               --workdir=runs/celeba64_resnet [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import default


def get_config() -> ml_collections.ConfigDict:
    """Returns an unconditional run with attention at 32."""
    config = default.get_config()
    config.dataset.name = "tfds:celeb_a"
    config.dataset.crop = 160
    config.dataset.image_size = 64
    config.dataset.num_classes = 0
    config.model.base_channels = 32
    config.model.attention_resolutions = (32,)
    config.train.num_steps = 200_000
    config.log.sheet_every_steps = 5_000
    config.checkpoint.every_steps = 5_000
    return config
