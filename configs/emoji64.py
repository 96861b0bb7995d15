"""Emoji at 64 pixels with transparency: docs/real_images.md.

Command:   python -m sagan_tf.train --config=emoji64 \
               --workdir=runs/emoji64
Hardware:  1 thread on an Intel Xeon (AVX-512, AMX), bfloat16, beside other work
Time:      89 minutes
Score:     FID 19.8, recall 0.173, accuracy 0.386
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns a run on 1,906 images of 64x64 with transparency."""
    config = load_config("twins32")
    config.dataset.name = "folder"
    config.dataset.path = "emoji"
    config.dataset.image_size = 64
    config.dataset.channels = 4
    config.dataset.num_classes = 9
    # Classes of 85 to 386 images.
    config.dataset.balance = True
    # At equal rates the images of a class become one.
    config.optimizer.generator_learning_rate = 2e-4
    config.optimizer.discriminator_learning_rate = 8e-4
    config.train.augmentation = ("color", "translation", "cutout")
    config.train.num_steps = 7_000
    return config
