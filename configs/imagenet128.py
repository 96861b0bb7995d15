"""ImageNet at 128 pixels: the release's recipe, with an averaged generator.

The images are prepared once, cut and resized as those of the release, from
TensorFlow Datasets or from a folder with one sub-folder for each class:

Prepare:   python -m tools.prepare_dataset --dataset=tfds:imagenet2012 \
               --resize=bilinear --on_small=enlarge --output=DIR
           python -m tools.prepare_dataset --dataset=folder --path=FOLDER \
               --resize=bilinear --on_small=enlarge --output=DIR
Command:   python -m sagan_tf.train --config=imagenet128 \
               --workdir=runs/imagenet128 --config.dataset.path=DIR
Hardware:  one NVIDIA H200
Time:      3.4 days at the 867 images a second that tools.benchmark measured
           (3.0 in mixed_bfloat16); not run
Score:     not measured yet
"""

import ml_collections

from sagan_tf.configuration import default


def get_config() -> ml_collections.ConfigDict:
    """Returns the run of the paper: attention at 32, a million steps."""
    config = default.get_config()
    config.dtype = "float32"
    config.dataset.name = "shards"
    config.dataset.image_size = 128
    config.dataset.num_classes = 1_000
    config.model.base_channels = 64
    config.model.attention_resolutions = (32,)
    config.train.batch_size = 256
    config.train.num_steps = 1_000_000
    config.log.sheet_every_steps = 10_000
    config.checkpoint.every_steps = 10_000
    return config
