"""CelebA at 64 pixels without classes: heykeetae/Self-Attention-GAN's recipe.

The images are the aligned ones, 178x218; the middle 160x160 is cut out of
each, as in the original. Hinge loss, Adam (0, 0.9) with rates 1e-4 and 4e-4,
batches of 64, latents of 128, a million steps; unlike the original, an average
of the generator draws the samples.

Command:   python -m sagan_tf.train --config=celeba64 \
               --workdir=runs/celeba64 [--config.dataset.path=DATA_DIR]
Hardware:  not measured yet
Time:      not measured yet
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import default


def get_config() -> ml_collections.ConfigDict:
    """Returns the run of the 64-pixel pair, attention in its last layers."""
    config = default.get_config()
    config.dataset.name = "tfds:celeb_a"
    config.dataset.crop = 160
    config.dataset.image_size = 64
    config.dataset.num_classes = 0
    config.model.architecture = "dcgan"
    config.model.base_channels = 64
    config.model.attention_resolutions = (16, 32)
    config.model.discriminator_attention_resolutions = (8, 4)
    config.optimizer.beta_2 = 0.9
    config.train.num_steps = 1_000_000
    return config
