"""Fashion-MNIST from 600 images: the base of a study in docs/results.md.

Command:   python -m tools.ablation --study=augmentation --base=fashion32_few \
               --features=own-cf6cb9ae
Hardware:  1 thread on an Intel Xeon (AVX-512, AMX), bfloat16, beside other work
Time:      24 minutes
Score:     FID 12.4, recall 0.278, means of three seeds
"""

import ml_collections

from sagan_tf.configuration import load_config


def get_config() -> ml_collections.ConfigDict:
    """Returns a run of minutes on the first 600 images, of all classes."""
    config = load_config("fashion32")
    config.dataset.num_examples = 600
    config.train.num_steps = 3_000
    config.log.every_steps = 50
    config.log.sheet_every_steps = 500
    config.checkpoint.every_steps = 500
    config.checkpoint.keep = 1
    return config
