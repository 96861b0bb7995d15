import itertools

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf import Discriminator, Generator, image_sizes
from sagan_tf.layers import SpectralNormalization
from sagan_tf.networks import bake
from tests.networks.test_baking import ROUNDING

BOTH = pytest.mark.parametrize("network_class", [Generator, Discriminator])
SIZES = pytest.mark.parametrize("size", [32, 64, 128, 256])


def generator(size=32, num_classes=3, attention=(), **options):
    options = {"latent_dim": 4, "base_channels": 2, **options}
    return Generator(
        size, num_classes, attention_resolutions=attention, **options
    )


def discriminator(size=32, num_classes=3, attention=(), **options):
    options = {"base_channels": 4, **options}
    return Discriminator(
        size, num_classes, attention_resolutions=attention, **options
    )


def inputs_of(network, batch=2):
    """Random latents or images, with labels if there are classes."""
    shape = network.image_shape
    if isinstance(network, Generator):
        shape = (network.latent_dim,)
    values = np.random.default_rng(7).normal(size=(batch, *shape))
    values = tf.constant(values, tf.float32)
    if not network.num_classes:
        return values
    return [values, tf.range(batch) % network.num_classes]


def trainable(network):
    return [
        (v.name.split("/", 1)[1][:-2], tuple(v.shape))
        for v in network.trainable_variables
    ]


@pytest.mark.parametrize(
    ("attention", "in_generator", "in_discriminator"),
    [
        ((), 41_996_931, 39_443_137),
        ((32,), 42_078_852, 39_463_618),
        ((64,), 42_017_412, 39_448_258),
    ],
)
def test_frozen_parameter_totals_of_the_release(
    attention, in_generator, in_discriminator
):
    # A graph that is never run: shapes without 650 MB of values.
    with tf.Graph().as_default():
        options = {
            "image_size": 128,
            "num_classes": 1000,
            "base_channels": 64,
            "attention_resolutions": attention,
        }
        for network, expected in (
            (Generator(latent_dim=128, **options), in_generator),
            (Discriminator(**options), in_discriminator),
        ):
            network(inputs_of(network))
            shapes = [shape for _, shape in trainable(network)]
            assert sum(int(np.prod(shape)) for shape in shapes) == expected


def test_frozen_weights_of_a_small_generator():
    network = generator(attention=(16,))
    network(inputs_of(network))
    assert trainable(network) == [
        ("dense/kernel", (4, 128)),
        ("dense/bias", (128,)),
        *frozen_up_block("block_1"),
        *frozen_up_block("block_2"),
        *frozen_attention("attention_16"),
        *frozen_up_block("block_3"),
        ("norm/gain", (8,)),
        ("norm/bias", (8,)),
        ("to_rgb/kernel", (3, 3, 8, 3)),
        ("to_rgb/bias", (3,)),
    ]


def frozen_up_block(name):
    return [
        (f"{name}/norm_1/gain", (3, 8)),
        (f"{name}/norm_1/bias", (3, 8)),
        (f"{name}/conv_1/kernel", (3, 3, 8, 8)),
        (f"{name}/conv_1/bias", (8,)),
        (f"{name}/norm_2/gain", (3, 8)),
        (f"{name}/norm_2/bias", (3, 8)),
        (f"{name}/conv_2/kernel", (3, 3, 8, 8)),
        (f"{name}/conv_2/bias", (8,)),
        (f"{name}/shortcut/kernel", (1, 1, 8, 8)),
        (f"{name}/shortcut/bias", (8,)),
    ]


def frozen_attention(name):
    return [
        (f"{name}/gate", ()),
        (f"{name}/query/kernel", (1, 1, 8, 1)),
        (f"{name}/key/kernel", (1, 1, 8, 1)),
        (f"{name}/value/kernel", (1, 1, 8, 4)),
        (f"{name}/output/kernel", (1, 1, 4, 8)),
    ]


def test_frozen_weights_of_a_small_discriminator():
    network = discriminator(attention=(8,))
    network(inputs_of(network))
    assert trainable(network) == [
        ("block_1/conv_1/kernel", (3, 3, 3, 8)),
        ("block_1/conv_1/bias", (8,)),
        ("block_1/conv_2/kernel", (3, 3, 8, 8)),
        ("block_1/conv_2/bias", (8,)),
        ("block_1/shortcut/kernel", (1, 1, 3, 8)),
        ("block_1/shortcut/bias", (8,)),
        ("block_2/conv_1/kernel", (3, 3, 8, 8)),
        ("block_2/conv_1/bias", (8,)),
        ("block_2/conv_2/kernel", (3, 3, 8, 8)),
        ("block_2/conv_2/bias", (8,)),
        ("block_2/shortcut/kernel", (1, 1, 8, 8)),
        ("block_2/shortcut/bias", (8,)),
        ("block_3/conv_1/kernel", (3, 3, 8, 8)),
        ("block_3/conv_1/bias", (8,)),
        ("block_3/conv_2/kernel", (3, 3, 8, 8)),
        ("block_3/conv_2/bias", (8,)),
        ("block_4/conv_1/kernel", (3, 3, 8, 8)),
        ("block_4/conv_1/bias", (8,)),
        ("block_4/conv_2/kernel", (3, 3, 8, 8)),
        ("block_4/conv_2/bias", (8,)),
        *frozen_attention("attention_8"),
        ("dense/kernel", (8, 1)),
        ("dense/bias", (1,)),
        ("embedding/embeddings", (3, 8)),
    ]


@pytest.mark.parametrize(
    ("size", "generated", "discriminated"),
    [
        (32, (8, 16, 32), (16, 8, 8, 8)),
        (64, (8, 16, 32, 64), (32, 16, 8, 4, 4)),
        (128, (8, 16, 32, 64, 128), (64, 32, 16, 8, 4, 4)),
        (256, (8, 16, 32, 64, 128, 256), (128, 64, 32, 16, 8, 4, 4)),
    ],
)
def test_feature_sizes(size, generated, discriminated):
    options = {"image_size": size, "attention_resolutions": ()}
    assert Generator(**options).feature_sizes() == generated
    assert Discriminator(**options).feature_sizes() == discriminated
    # A graph that is never run gives the shapes at no cost.
    with tf.Graph().as_default():
        labels = tf.zeros((1,), tf.int32)
        network = generator(size, base_channels=1)
        assert tuple(size for size, _ in network.stages) == generated
        x = tf.zeros((1, 4, 4, 4))
        for each, block in network.stages:
            x = block([x, labels])
            assert x.shape[1:3] == (each, each)
        network = discriminator(size, base_channels=1)
        assert tuple(size for size, _ in network.stages) == discriminated
        x = tf.zeros((1, size, size, 3))
        for each, block in network.stages:
            x = block(x)
            assert x.shape[1:3] == (each, each)


@SIZES
@pytest.mark.parametrize("num_classes", [0, 3])
def test_images_have_the_asked_size_and_range(size, num_classes):
    network = generator(size, num_classes, base_channels=1)
    images = network(inputs_of(network), training=True)
    assert images.shape == (2, size, size, 3)
    assert images.dtype == tf.float32
    assert 0.0 < np.abs(images).max() <= 1.0


@pytest.mark.parametrize(
    ("size", "channels", "attention"),
    [(40, 1, (10,)), ((32, 56), 4, (16,)), ((96, 64), 3, (12,))],
)
def test_other_forms_and_channels(size, channels, attention):
    options = {"channels": channels, "attention": attention}
    options["attention_options"] = {"key_divisor": 2}
    network = generator(size, **options)
    inputs = inputs_of(network)
    images, scores = network(inputs, return_attention_scores=True)
    height, width = image_sizes.sides(size)
    assert images.shape == (2, height, width, channels)
    assert network.image_shape == (height, width, channels)
    positions = attention[0] * image_sizes.map_width(size, attention[0])
    assert scores[attention[0]].shape == (2, positions, positions // 4)
    unfolded = generator(size, fold_resampling=False, **options)
    unfolded(inputs)
    unfolded.set_weights(network.get_weights())
    np.testing.assert_allclose(unfolded(inputs), images, atol=1e-4)
    np.testing.assert_allclose(
        bake(network)(inputs), images, atol=ROUNDING["float32"]
    )
    critic = discriminator(size, **options)
    logits, seen = critic([images, inputs[1]], return_attention_scores=True)
    assert logits.shape == (2, 1)
    assert seen[attention[0]].shape == (2, positions, positions // 4)
    for each in (network, critic):
        copy = type(each).from_config(each.get_config())
        assert copy.get_config() == each.get_config()


@SIZES
@pytest.mark.parametrize("num_classes", [0, 3])
def test_there_is_one_logit_a_image(size, num_classes):
    network = discriminator(size, num_classes, base_channels=1)
    logits = network(inputs_of(network), training=True)
    assert logits.shape == (2, 1)
    assert logits.dtype == tf.float32
    assert np.all(np.isfinite(logits))


def test_no_classes_no_tables():
    for network in (generator(num_classes=0), discriminator(num_classes=0)):
        network(inputs_of(network))
        assert "embedding" not in "".join(v.name for v in network.variables)
        assert all(
            v.shape.rank != 2 or v.shape[0] != 3 for v in network.variables
        )


def subsets(sizes):
    return [
        chosen
        for count in range(len(sizes) + 1)
        for chosen in itertools.combinations(sizes, count)
    ]


@BOTH
def test_attention_has_a_place_at_every_size(network_class):
    places = [
        [*network_class(size, base_channels=8).attention_layers()]
        for size in (32, 64, 128, 256)
    ]
    # The release has it on maps of 32 at 128 pixels.
    assert places == [[16], [16], [32], [64]]


@pytest.mark.parametrize("attention", subsets((8, 16, 32)))
def test_attention_at_any_subset_in_the_generator(attention):
    network = generator(attention=attention)
    images, scores = network(inputs_of(network), return_attention_scores=True)
    assert tuple(network.attention_layers()) == attention
    assert {size: s.shape for size, s in scores.items()} == {
        size: (2, size**2, size**2 // 4) for size in attention
    }
    np.testing.assert_array_equal(images, network(inputs_of(network)))


@pytest.mark.parametrize("attention", subsets((8, 16)))
def test_attention_at_any_subset_in_the_discriminator(attention):
    network = discriminator(attention=attention)
    logits, scores = network(inputs_of(network), return_attention_scores=True)
    assert set(network.attention_layers()) == set(attention)
    assert {size: s.shape for size, s in scores.items()} == {
        size: (2, size**2, size**2 // 4) for size in attention
    }
    np.testing.assert_array_equal(logits, network(inputs_of(network)))


def test_attention_stands_behind_the_last_block_of_its_size():
    names = [layer.name for _, layer in discriminator(attention=(8,)).stages]
    assert names == ["block_1", "block_2", "block_3", "block_4", "attention_8"]
    names = [layer.name for _, layer in generator(attention=(8, 32)).stages]
    assert names == [
        "block_1",
        "attention_8",
        "block_2",
        "block_3",
        "attention_32",
    ]


def test_only_the_first_discriminator_block_starts_without_relu():
    blocks = [block for _, block in discriminator(64).stages]
    assert [b.leading_relu for b in blocks] == [False] + [True] * 4
    assert [b.downsample for b in blocks] == [True] * 4 + [False]


def test_attention_options_reach_the_layers():
    options = {"pooled": False, "key_divisor": 4, "value_divisor": 8}
    network = generator(attention=(8,), attention_options=options)
    _, scores = network(inputs_of(network), return_attention_scores=True)
    assert scores[8].shape == (2, 64, 64)
    layer = network.attention_layers()[8]
    assert (layer.key_divisor, layer.value_divisor) == (4, 8)


def test_label_changes_the_image_and_the_logit():
    network = generator()
    latents, _ = inputs_of(network)
    network([latents, tf.constant([0, 0])])
    # All classes start alike; then each goes its way.
    gain = network.stages[0][1].norm_2.gain
    gain.assign(gain + tf.random.normal(gain.shape))
    first = network([latents, tf.constant([0, 0])])
    second = network([latents, tf.constant([0, 1])])
    np.testing.assert_array_equal(first[0], second[0])
    assert np.any(first[1] != second[1])
    critic = discriminator()
    images, _ = inputs_of(critic)
    logits = [critic([images, tf.constant([0, label])]) for label in (0, 1)]
    np.testing.assert_array_equal(logits[0][0], logits[1][0])
    assert np.any(logits[0][1] != logits[1][1])


def test_logit_is_a_dense_layer_of_the_sum_plus_the_projection():
    network = discriminator()
    images, labels = inputs_of(network)
    logits = network([images, labels])
    x = images
    for _, block in network.stages:
        x = block(x)
    features = np.maximum(x, 0.0).sum((1, 2))
    kernel = network.dense.normalized_kernel().numpy()
    table = network.embedding.normalized_kernel().numpy()
    expected = features @ kernel + network.dense.layer.bias.numpy()
    expected += (features * table[labels]).sum(1, keepdims=True)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4)


@BOTH
@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"image_size": 50}, "the nearest are 48 and 56"),
        ({"image_size": (32, 64)}, "the nearest are"),
        ({"channels": 2}, "`channels` should be one of"),
        ({"num_classes": -1}, "`num_classes` should be at least 0"),
        ({"base_channels": 0}, "`base_channels` should be at least 1"),
        ({"attention_resolutions": (12,)}, "`attention_resolutions` should"),
        ({"attention_resolutions": (256,)}, "Received: 256"),
        ({"num_classes": True}, "`inputs` should be a pair"),
    ],
)
def test_wrong_arguments(network_class, options, part):
    with pytest.raises(ValueError, match=part):
        network_class(**{"attention_resolutions": (), **options})(
            tf.zeros((1, 128))
        )


def test_latent_dim_is_at_least_one():
    with pytest.raises(ValueError, match="`latent_dim` should be at least 1"):
        generator(latent_dim=0)


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_config_rebuilds_the_network(factory, tmp_path):
    network = factory(
        attention=(16,),
        attention_options={"pooled": False},
        fold_resampling=False,
        dtype="mixed_bfloat16",
        name="network",
    )
    copy = type(network).from_config(network.get_config())
    assert copy.get_config() == network.get_config()
    assert copy.compute_dtype == "bfloat16"
    inputs = inputs_of(network)
    network(inputs, training=True)
    copy(inputs)
    copy.set_weights(network.get_weights())
    np.testing.assert_array_equal(copy(inputs), network(inputs))
    network.save(tmp_path / "network.keras")
    loaded = tf.keras.models.load_model(tmp_path / "network.keras")
    np.testing.assert_array_equal(loaded(inputs), network(inputs))


def test_every_convolution_is_normalized_or_none():
    for factory in (generator, discriminator):
        network = factory(attention=(8,))
        network(inputs_of(network))
        layers = network.spectral_layers()
        kernels = [
            name.rsplit("/", 1)[0]
            for name, _ in trainable(network)
            if name.endswith(("kernel", "embeddings"))
        ]
        assert sorted(layers) == sorted(kernels)
        assert all(
            isinstance(layer, SpectralNormalization)
            for layer in layers.values()
        )
        plain = factory(attention=(8,), spectral_normalization=False)
        plain(inputs_of(plain))
        assert plain.spectral_layers() == {}
        assert trainable(plain) == trainable(network)


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_a_residual_block_stands_in_for_attention(factory):
    network = factory(attention=(16,), attention_replacement="residual")
    attending = factory(attention=(16,))
    output = network(inputs_of(network))
    attending(inputs_of(attending))
    # 8 divides the channels, so that the counts are equal.
    sizes = [
        sum(np.prod(shape) for _, shape in trainable(either))
        for either in (network, attending)
    ]
    assert sizes[0] == sizes[1]
    assert network.attention_layers() == {}
    names = [stage.name for _, stage in network.stages]
    assert "residual_16" in names and "attention_16" not in names
    assert network.diagnostics()["gate_16"] == 0.0
    (block,) = [s for _, s in network.stages if s.name == "residual_16"]
    block.gate.assign(0.5)
    assert np.any(network(inputs_of(network)) != output)


def test_an_unknown_replacement_is_refused():
    with pytest.raises(ValueError, match="`attention_replacement` should be"):
        Generator(32, attention_resolutions=(), attention_replacement="none")


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_norms_are_watched_without_normalization_too(factory):
    network = factory(attention=(16,), spectral_normalization=False)
    network(inputs_of(network))
    network.dense.kernel.assign(3.0 * tf.eye(*network.dense.kernel.shape))
    found = network.diagnostics()
    assert found["gate_16"] == 0.0
    norms = [
        np.linalg.norm(np.reshape(w, (-1, w.shape[-1])), 2)
        for name, w in zip(
            (name for name, _ in trainable(network)),
            (v.numpy() for v in network.trainable_variables),
        )
        if name.endswith(("kernel", "embeddings"))
    ]
    assert found["largest_sigma"] == pytest.approx(max(norms), rel=1e-5)


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_folding_changes_nothing(factory):
    folded = factory(attention=(16,))
    unfolded = factory(attention=(16,), fold_resampling=False)
    inputs = inputs_of(folded)
    unfolded(inputs)
    expected = folded(inputs)
    unfolded.set_weights(folded.get_weights())
    np.testing.assert_allclose(unfolded(inputs), expected, atol=1e-4)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("factory", [generator, discriminator])
def test_mixed_precision_is_close(factory, policy):
    network = factory(attention=(16,), dtype=policy)
    reference = factory(attention=(16,))
    inputs = inputs_of(network)
    outputs = network(inputs)
    reference(inputs)
    reference.set_weights(network.get_weights())
    expected = reference(inputs).numpy()
    assert outputs.dtype == tf.float32
    # Ten layers in bfloat16, which has eight bits of precision.
    tolerance = 0.05 * np.abs(expected).max()
    np.testing.assert_allclose(outputs, expected, atol=tolerance)
    assert {v.dtype for v in network.variables} == {tf.float32}


@pytest.mark.parametrize("factory", [generator, discriminator])
def test_training_reaches_every_state(factory):
    network = factory(attention=(16,))
    inputs = inputs_of(network)
    network(inputs)
    before = [v.numpy() for v in network.non_trainable_variables]
    network(inputs, training=False)
    for value, variable in zip(before, network.non_trainable_variables):
        np.testing.assert_array_equal(value, variable)
    network(inputs, training=True)
    still = [
        variable.name
        for value, variable in zip(before, network.non_trainable_variables)
        # The vector of a single column is 1 and stays so.
        if variable.shape != (1, 1) and np.all(value == variable.numpy())
    ]
    assert still == []
