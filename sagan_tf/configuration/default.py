"""Every field of a run, with the release's value where the release has one.

A configuration file defines `get_config()`, which takes this default, sets
the fields that differ, and returns it:

    from sagan_tf.configuration import default

    def get_config():
        config = default.get_config()
        config.train.batch_size = 32
        return config

(`load_config("twins32")` of the same package starts from another one.) Any
field can be set on the command line too, after `--config`:

    python -m sagan_tf.train --config=default --workdir=runs/default \
        --config.train.batch_size=32

The default is locked: a field that is not here is an error.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Returns the default configuration, locked."""
    config = ml_collections.ConfigDict()

    # Start of every random number of the run; 0 or more.
    config.seed = 0
    # Arithmetic: "float32", "mixed_bfloat16", "mixed_float16" or "auto", which
    # is mixed_bfloat16 where the device has bfloat16 and float32 elsewhere.
    config.dtype = "auto"

    config.dataset = _dataset()
    config.model = _model()

    # The adversarial loss: "hinge", or "wasserstein" with gradient penalty,
    # which wants model.spectral_normalization = "none".
    config.loss = "hinge"

    config.optimizer = _optimizer()
    config.train = _train()
    config.log = _log()
    config.checkpoint = _checkpoint()

    config.distribution = _distribution()

    return config.lock()


def _dataset() -> ml_collections.ConfigDict:
    """Where the real pictures come from."""
    dataset = ml_collections.ConfigDict()
    # "twins" (drawn by the program), "digits" (handwritten, from scikit-learn),
    # "folder" (your own PNG and JPEG files in one sub-folder per class),
    # "shards" (what tools.prepare_dataset writes), "tfds:NAME[/config]"
    # (TensorFlow Datasets), "improved_gan" (the release's TFRecords) or "hdf5"
    # (BigGAN-PyTorch's file); see docs/data.md.
    dataset.name = "twins"
    # File or directory of the pictures; empty for "twins" and "digits", and
    # for "tfds:" if they are in TensorFlow Datasets' usual directory.
    dataset.path = ""
    # Split to train on: "train", or any that "tfds:NAME" has.
    dataset.split = "train"
    # Split to score against; empty is the same as split.
    dataset.evaluation_split = ""
    # File or directory of the pictures to score against, where they are apart;
    # empty is the same as path.
    dataset.evaluation_path = ""
    # True lets TensorFlow Datasets download and prepare what is not there.
    dataset.download = False
    # Height and width in pixels: 32, 64, 128 or 256.
    dataset.image_size = 32
    # Number of classes, at least 2; 0 trains without classes.
    dataset.num_classes = 10
    # Number of pictures to use; 0 is all, or the set's own number.
    dataset.num_examples = 0
    # Feature that holds the labels in "tfds:NAME"; empty is the only one.
    dataset.label_key = ""
    # Added to each label of "improved_gan": 0, or -1 if they start at 1.
    dataset.label_offset = 0
    # Side in pixels of the square that is cut out of the middle of each
    # picture before it is resized; 0 is the largest square.
    dataset.crop = 0
    # Antialiasing filter of the resizing: "lanczos", "bicubic", "bilinear" (as
    # in the release) or "box".
    dataset.resize = "lanczos"
    # What a picture of fewer pixels than image_size does: "refuse" stops,
    # "enlarge" resizes it.
    dataset.on_small = "refuse"
    # What an unreadable file does: "refuse" stops before training, "skip"
    # names it and goes on without it.
    dataset.on_unreadable = "refuse"
    # Where decoded pictures are kept: "memory", a directory, "none", or empty,
    # which is memory if they take less than a gigabyte.
    dataset.cache = ""
    # True mirrors each picture or not, by chance; the release does not.
    dataset.flip = False
    # Batches made ahead; at least 1.
    dataset.prefetch = 8
    # Pictures that are mixed at a time, for files on a disk that is slow to
    # jump; 0 mixes all with all.
    dataset.shuffle_window = 0
    # Files that are read at once, if there is a shuffle_window; at least 1.
    dataset.interleave = 16
    # Dispatcher of a tf.data service that makes the batches of "shards", such
    # as "grpc://10.0.0.1:5000"; empty makes them here.
    dataset.service = ""
    return dataset


def _model() -> ml_collections.ConfigDict:
    """The generator and the discriminator."""
    model = ml_collections.ConfigDict()
    # "resnet" is the paper's; "dcgan" is the unconditional pair of strided
    # convolutions of heykeetae/Self-Attention-GAN.
    model.architecture = "resnet"
    # Width of the generator, and of the discriminator unless it has its own:
    # the number of channels that the architecture multiplies; at least 1.
    model.base_channels = 16
    # Width of the discriminator; 0 is the same as base_channels.
    model.discriminator_base_channels = 0
    # Length of the latent vector, standard normal; at least 1.
    model.latent_dim = 128
    # Heights in pixels of the feature maps that attend, in both networks: any
    # of 8, 16, ... up to half of the image size, with "dcgan" 4 too; () is no
    # attention.
    model.attention_resolutions = (16,)
    # The same for the discriminator; (0,) is the same as the generator.
    model.discriminator_attention_resolutions = (0,)
    # Queries and keys have channels / this many; the paper tries 1, 2, 4, 8.
    model.attention_key_divisor = 8
    # Values have channels / this many: 2 in the release, 8 in the paper.
    model.attention_value_divisor = 2
    # True halves the height and width of keys and values, as the release does;
    # False is the paper's text.
    model.attention_pooling = True
    # Where the gate that attention is multiplied by starts: the paper has 0,
    # with which a network begins as if it had none.
    model.attention_gate_initial_value = 0.0
    # What stands at attention_resolutions: "attention", or "residual", a
    # residual block with as many parameters, to tell what attention adds.
    model.attention_replacement = "attention"
    # Decay of the moving statistics of the generator's blocks, in [0, 1). Two
    # updates a step move them: 0.999 remembers some 500 steps.
    model.batch_norm_momentum = 0.999
    # Decay of the last normalization's, in [0, 1).
    model.output_batch_norm_momentum = 0.9999
    # Added to the variance by every normalization; above 0.
    model.batch_norm_epsilon = 1e-5
    # True takes the statistics of the whole batch over all devices; False
    # those of each device's share, as the release does.
    model.synchronized_batch_norm = True
    # What kernels are divided by: "release" is sigma everywhere; "tfgan" is
    # max(1, sigma) but in the attention, estimated from the inputs' side;
    # "none" is nothing.
    model.spectral_normalization = "release"
    # The same for the generator alone; "same" is as the line above.
    model.generator_spectral_normalization = "same"
    # True normalizes the generator's tables of gains and biases by class, and
    # adds one to the gains, as PyTorch-StudioGAN does.
    model.normalized_class_tables = False
    # True lets the shortcut of the discriminator's blocks see their input
    # rectified, as PyTorch-StudioGAN does.
    model.rectified_shortcuts = False
    # True computes each convolution beside a resampling in one kernel: the
    # same function, in about half the time.
    model.fold_resampling = True
    return model


def _optimizer() -> ml_collections.ConfigDict:
    """Adam for each network, at a rate of its own (TTUR)."""
    optimizer = ml_collections.ConfigDict()
    # Learning rate of the generator; above 0.
    optimizer.generator_learning_rate = 1e-4
    # Learning rate of the discriminator; above 0.
    optimizer.discriminator_learning_rate = 4e-4
    # Decay of the mean of the gradients, in [0, 1).
    optimizer.beta_1 = 0.0
    # Decay of the mean of their squares, in [0, 1).
    optimizer.beta_2 = 0.999
    # Added to the root of the mean square; above 0.
    optimizer.epsilon = 1e-8
    return optimizer


def _train() -> ml_collections.ConfigDict:
    """How long and how to train."""
    train = ml_collections.ConfigDict()
    # Real pictures per update, over all devices together; at least 1.
    train.batch_size = 64
    # Generator updates in the whole run; a multiple of steps_per_call.
    train.num_steps = 10_000
    # Discriminator updates before each generator update; at least 1.
    train.discriminator_steps = 1
    # Weight of the gradient penalty; for the loss "wasserstein" only; above 0.
    train.gradient_penalty_weight = 10.0
    # Decay per step of the averaged generator (EMA), in [0, 1); the release
    # has no average, which is 0.
    train.ema_decay = 0.999
    # Step at which averaging starts; until then it copies the generator.
    train.ema_start_step = 0
    # True shows the discriminator real, then generated pictures in two passes,
    # as the release does; False shows both in one pass.
    train.separate_discriminator_passes = False
    # Parts that each update takes its batch in, so that less memory is needed;
    # the pictures of a device must be a multiple. Batch statistics are those
    # of a part.
    train.gradient_accumulation = 1
    # Steps that run in one call of the graph; at least 1.
    train.steps_per_call = 10
    # True compiles the step with XLA.
    train.jit_compile = False
    # True lets NVIDIA's GPUs from Ampere on round what float32 convolutions
    # and products take in to 10 bits of mantissa (TensorFloat-32), which is
    # several times faster. Scores and exports never do, nor does a run that
    # scores itself (--evaluate_every).
    train.tensor_float_32 = True
    return train


def _log() -> ml_collections.ConfigDict:
    """What the workdir records on the way; intervals count in steps."""
    log = ml_collections.ConfigDict()
    # Steps between two records of the metrics; a multiple of steps_per_call.
    log.every_steps = 100
    # Steps between two sheets of samples; a multiple of steps_per_call.
    log.sheet_every_steps = 500
    # Samples side by side on a sheet; at least 1.
    log.sheet_columns = 10
    # Rows of samples on a sheet; at least 1.
    log.sheet_rows = 10
    return log


def _checkpoint() -> ml_collections.ConfigDict:
    """When to save all that training needs; intervals count in steps."""
    checkpoint = ml_collections.ConfigDict()
    # Steps between two checkpoints; a multiple of steps_per_call.
    checkpoint.every_steps = 500
    # Newest checkpoints to keep; at least 1.
    checkpoint.keep = 3
    # Checkpoints at multiples of this step stay for good; 0 is none, else a
    # multiple of every_steps.
    checkpoint.keep_every = 0
    return checkpoint


def _distribution() -> ml_collections.ConfigDict:
    """Which devices take part; batches are global whatever is chosen."""
    distribution = ml_collections.ConfigDict()
    # "one_device", "mirrored" (all devices of this process), "multi_worker"
    # (several processes), "tpu", or "auto": the workers that TF_CONFIG names,
    # else all GPUs that this process can see, else its processor.
    distribution.strategy = "auto"
    # Who knows the workers of "multi_worker": "tf_config" (the environment
    # variable TF_CONFIG), "slurm", "kubernetes" or "gce".
    distribution.cluster = "tf_config"
    # Name of the TPU (empty: TPU_NAME, "local": this machine's), label of the
    # pods for "kubernetes", PROJECT/ZONE/GROUP for "gce"; else empty.
    distribution.address = ""
    # True takes the memory of a GPU as it is needed, so that others, such as
    # sagan_tf.evaluate --watch, find room beside; False takes all at once.
    distribution.memory_growth = True
    return distribution
