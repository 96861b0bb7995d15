"""CIFAR-10 at 32 pixels, from TensorFlow Datasets.

The images of the test split are scored against with
`--config.dataset.evaluation_split=test`; the literature scores against those
that were trained on. `--config.dataset.download=True` fetches them once.

Command:   python -m sagan_tf.train --config=cifar10 \
               --workdir=runs/cifar10 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import default


def get_config() -> ml_collections.ConfigDict:
    """Returns a conditional run of the residual networks, attention at 16."""
    config = default.get_config()
    config.dataset.name = "tfds:cifar10"
    config.model.base_channels = 64
    config.optimizer.beta_2 = 0.9
    config.train.num_steps = 100_000
    config.log.sheet_every_steps = 2_000
    config.checkpoint.every_steps = 2_000
    return config
