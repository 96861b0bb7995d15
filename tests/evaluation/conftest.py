"""Feature networks to score through: a stand-in Inception and a toy."""

import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.evaluation import evaluator
from sagan_tf.evaluation.features import classifier
from sagan_tf.evaluation.features.feature_network import FeatureNetwork
from sagan_tf.evaluation.sets import real_statistics
from sagan_tf.progress import progress_bar


@pytest.fixture
def bars(monkeypatch):
    """The bars that were opened: what stands before, beginning, end, total."""
    opened = []

    def remember(*args, **options):
        opened.append(progress_bar(*args, **options))
        return opened[-1]

    for module in (evaluator, real_statistics):
        monkeypatch.setattr(module, "progress_bar", remember)
    return lambda: [(b.desc, b.initial, b.n, b.total) for b in opened]


class StandIn(tf.Module):
    """A network with TF-GAN's two outputs that remembers what came in."""

    def __init__(self, network):
        super().__init__()
        # Behind a function: Keras would save each of its layers as well.
        self.run = tf.function(lambda images: network(images, training=False))
        self.weights = network.variables
        self.seen = tf.Variable(tf.zeros((3,), tf.int32))
        self.range = tf.Variable(tf.zeros((2,)))

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def __call__(self, images):
        self.seen.assign(tf.shape(images)[1:])
        self.range.assign([tf.reduce_min(images), tf.reduce_max(images)])
        pooled = self.run(tf.ensure_shape(images, (None, 299, 299, 3)))
        # TF-GAN's logits are not a function of Keras's thousand classes.
        logits = pooled[:, :1008] - pooled[:, 1008:2016]
        return {"logits": logits, "pool_3": pooled[:, None, None, :]}


@pytest.fixture(scope="session")
def inception_path(tmp_path_factory):
    """Inception's architecture without weights, as TF-GAN has it."""
    tf.keras.utils.set_random_seed(0)
    network = tf.keras.applications.InceptionV3(
        include_top=False, weights=None, pooling="avg"
    )
    path = tmp_path_factory.mktemp("inception") / "model"
    tf.saved_model.save(StandIn(network), str(path))
    return str(path)


class Toy(tf.Module):
    """A fixed random projection: six classes, five features."""

    def __init__(self):
        super().__init__()
        random = np.random.default_rng(0)
        self.kernel = tf.Variable(
            random.normal(size=(192, 11)), dtype="float32"
        )

    @tf.function(input_signature=[tf.TensorSpec((None, 8, 8, 3))])
    def __call__(self, images):
        out = tf.reshape(images, (-1, 192)) @ self.kernel
        return {"logits": out[:, :6], "pool_3": tf.nn.relu(out[:, 6:])}


@pytest.fixture(scope="session")
def toy_path(tmp_path_factory):
    """A SavedModel of eight pixels and five features."""
    toy = Toy()
    path = tmp_path_factory.mktemp("toy") / "model"
    tf.saved_model.save(toy, str(path), signatures=toy.__call__)
    return str(path)


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A directory with a classifier of twins by a third of the recipe."""
    directory = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(classifier._STEPS, "twins", 300)
        classifier.load_classifier("twins", str(directory))
    return directory


@pytest.fixture(scope="session")
def toy_network():
    toy = Toy()
    return FeatureNetwork(
        lambda images: tuple(toy(images).values()),
        name="toy",
        hash="0123456789abcdef",
        input_size=8,
    )
