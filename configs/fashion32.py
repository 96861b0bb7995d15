"""Fashion-MNIST at 32 pixels, one channel: the recipe of docs/real_images.md.

Command:   python -m sagan_tf.train --config=fashion32 \
               --workdir=runs/fashion32
Hardware:  1 thread on an Intel Xeon (AVX-512, AMX), bfloat16
Time:      24 minutes, with another program on the other core
Score:     classification accuracy score 0.680 (0.908 for real images), and
           0.705 at step 5,040
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns a run on 28x28 grey images, 32 channels throughout."""
    config = load_config("twins32")
    config.dataset.name = "idx"
    config.dataset.path = "fashion"
    config.dataset.channels = 1
    # 28 pixels become 32 with a black margin, as the images have one.
    config.dataset.fit = "pad"
    config.dataset.background = "black"
    config.dataset.evaluation_split = "test"
    # At equal rates the images of a class become one.
    config.optimizer.generator_learning_rate = 2e-4
    config.optimizer.discriminator_learning_rate = 8e-4
    config.optimizer.schedule = "linear"
    config.train.num_steps = 12_000
    return config
