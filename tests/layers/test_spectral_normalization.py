import numpy as np
import pytest
import tensorflow as tf

from sagan_tf.layers import SpectralNormalization
from sagan_tf.layers.spectral_normalization import power_iteration

# float32 rounding of a few dozen products.
TOLERANCE = 1e-5

WRAPPED = {
    "dense": (lambda: tf.keras.layers.Dense(5), (2, 4)),
    "conv": (lambda: tf.keras.layers.Conv2D(5, 3), (2, 6, 6, 3)),
    "transposed": (
        lambda: tf.keras.layers.Conv2DTranspose(5, 4, 2),
        (2, 4, 4, 3),
    ),
}


class Scaling(tf.keras.layers.Layer):
    """A user's own layer that has a kernel."""

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = self.add_weight(
            "kernel", (size, size), initializer="identity"
        )

    def call(self, inputs):
        return tf.matmul(inputs, 3.0 * self.kernel)


class Derived(tf.keras.layers.Layer):
    """A layer whose kernel is computed, so that it cannot be replaced."""

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],))

    @property
    def kernel(self):
        return self.scale

    def call(self, inputs):
        return inputs * self.kernel


def dense(kernel, **options):
    """A normalized dense layer without bias that has the given kernel."""
    kernel = np.asarray(kernel, np.float32)
    layer = SpectralNormalization(
        tf.keras.layers.Dense(kernel.shape[1], use_bias=False), **options
    )
    layer.build((None, kernel.shape[0]))
    layer.raw_kernel.assign(kernel)
    return layer


def random(*shape):
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def as_matrix(kernel):
    return kernel.reshape(-1, kernel.shape[-1])


def converge(layer, inputs, calls=50):
    for _ in range(calls):
        layer(inputs, training=True)


def test_sigma_of_four_times_identity_is_four():
    layer = dense(4.0 * np.eye(6))
    outputs = layer(np.eye(6, dtype=np.float32))
    np.testing.assert_allclose(layer.sigma, 4.0, rtol=TOLERANCE)
    np.testing.assert_allclose(outputs, np.eye(6), atol=TOLERANCE)


def test_power_iteration_finds_the_largest_singular_value():
    matrix = random(7, 5)
    sigma, u = power_iteration(tf.constant(matrix), tf.ones((1, 5)), 100)
    left = np.linalg.svd(matrix)[2][0]
    np.testing.assert_allclose(sigma, np.linalg.norm(matrix, 2), rtol=TOLERANCE)
    np.testing.assert_allclose(np.abs(np.sum(u * left)), 1.0, rtol=TOLERANCE)


def test_u_counts_as_a_constant():
    matrix, u = tf.constant(random(7, 5)), tf.ones((1, 5))
    with tf.GradientTape() as tape:
        tape.watch(u)
        sigma, new_u = power_iteration(matrix, u)
        total = sigma + tf.reduce_sum(new_u)
    np.testing.assert_array_equal(tape.gradient(total, u), np.zeros((1, 5)))


def test_estimate_is_never_above_the_largest_singular_value():
    matrix = random(7, 5)
    sigma, _ = power_iteration(tf.constant(matrix), tf.ones((1, 5)))
    assert 0.0 < sigma < np.linalg.norm(matrix, 2)


@pytest.mark.parametrize("name", WRAPPED)
def test_effective_kernel_has_spectral_norm_one(name):
    factory, shape = WRAPPED[name]
    layer = SpectralNormalization(factory(), power_iterations=50)
    layer(random(*shape), training=True)
    kernel = layer.normalized_kernel().numpy()
    assert kernel.shape == layer.raw_kernel.shape
    np.testing.assert_allclose(
        np.linalg.norm(as_matrix(kernel), 2), 1.0, rtol=1e-3
    )


@pytest.mark.parametrize("name", WRAPPED)
def test_output_is_that_of_the_layer_with_the_divided_kernel(name):
    factory, shape = WRAPPED[name]
    layer, inputs = SpectralNormalization(factory()), random(*shape)
    outputs = layer(inputs)
    plain = factory()
    plain.build(shape)
    plain.kernel.assign(layer.raw_kernel / layer.sigma)
    np.testing.assert_allclose(outputs, plain(inputs), atol=TOLERANCE)
    assert layer.compute_output_shape(shape) == outputs.shape


def test_embedding_is_normalized_transposed():
    layer = SpectralNormalization(
        tf.keras.layers.Embedding(7, 3), power_iterations=100
    )
    rows = layer(tf.constant([2, 0]), training=True)
    table = layer.raw_kernel.numpy()
    assert layer.u.shape == (1, 7)
    np.testing.assert_allclose(
        rows, table[[2, 0]] / np.linalg.norm(table, 2), rtol=1e-4
    )


def test_users_own_layer():
    layer = SpectralNormalization(Scaling())
    outputs = layer(np.eye(4, dtype=np.float32))
    layer.raw_kernel.assign(5.0 * np.eye(4))
    np.testing.assert_allclose(outputs, 3.0 * np.eye(4), atol=TOLERANCE)
    np.testing.assert_allclose(layer.sigma, 5.0, rtol=TOLERANCE)


@pytest.mark.parametrize("training", [True, False])
def test_zero_kernel_gives_zeros_and_zero_gradients(training):
    layer, inputs = dense(np.zeros((4, 3))), tf.constant(random(2, 4))
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=training)
        loss = tf.reduce_sum(outputs + outputs**2)
    gradients = tape.gradient(loss, [layer.raw_kernel, inputs])
    for value in (outputs, layer.sigma, *gradients):
        np.testing.assert_array_equal(value, np.zeros(value.shape))


def test_zero_kernel_leaves_u_so_that_it_can_recover():
    layer, inputs = dense(np.zeros((4, 3))), random(2, 4)
    converge(layer, inputs, 3)
    kernel = random(4, 3)
    layer.raw_kernel.assign(kernel)
    converge(layer, inputs)
    np.testing.assert_allclose(
        layer.sigma, np.linalg.norm(kernel, 2), rtol=TOLERANCE
    )


def test_raw_kernel_is_trainable_and_never_overwritten():
    kernel = random(4, 3)
    layer = dense(kernel)
    variable = layer.raw_kernel
    converge(layer, random(2, 4), 3)
    layer(random(2, 4), training=False)
    np.testing.assert_array_equal(variable, kernel)
    assert layer.layer.kernel is variable
    assert [v.name for v in layer.trainable_variables] == ["kernel:0"]
    assert [v.name for v in layer.non_trainable_variables] == ["u:0"]


def test_raw_kernel_is_back_after_a_failed_call():
    layer = dense(random(4, 3))
    variable = layer.raw_kernel
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        layer(random(2, 5))
    assert layer.layer.kernel is variable


def test_gradient_flows_through_sigma_with_u_and_v_constant():
    kernel, inputs, target = random(4, 3), random(2, 4), random(2, 3)
    layer = dense(kernel)
    u = layer.u.numpy()
    v = u @ kernel.T / np.linalg.norm(u @ kernel.T)
    u = v @ kernel / np.linalg.norm(v @ kernel)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs, training=True) * target)
    ours = tape.gradient(loss, layer.raw_kernel)
    weight = tf.Variable(kernel)
    with tf.GradientTape() as tape:
        sigma = tf.squeeze(v @ weight @ u.T)
        loss = tf.reduce_sum(tf.matmul(inputs, weight / sigma) * target)
    expected = tape.gradient(loss, weight)
    through = inputs.T @ target / sigma
    np.testing.assert_allclose(ours, expected, atol=TOLERANCE)
    assert np.abs(ours - through).max() > 1e-2


def test_gradient_agrees_with_finite_differences_once_u_has_converged():
    kernel, inputs, target = random(4, 3), random(2, 4), random(2, 3)
    layer = dense(kernel)
    converge(layer, inputs)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(inputs) * target)
    gradient = tape.gradient(loss, layer.raw_kernel).numpy()

    def exact(values):
        return np.sum(inputs @ values / np.linalg.norm(values, 2) * target)

    kernel, step = kernel.astype(np.float64), 1e-5
    for index in np.ndindex(kernel.shape):
        change = np.zeros_like(kernel)
        change[index] = step
        slope = (exact(kernel + change) - exact(kernel - change)) / (2 * step)
        np.testing.assert_allclose(gradient[index], slope, atol=1e-4)


@pytest.mark.parametrize(
    ("training", "moves"),
    [
        (True, True),
        (False, False),
        (None, False),
        (tf.constant(True), True),
        (tf.constant(False), False),
    ],
)
@pytest.mark.parametrize("graph", [False, True])
def test_u_moves_only_in_training(training, moves, graph):
    layer, inputs = dense(random(4, 3)), random(2, 4)
    before = layer.u.numpy()
    call = tf.function(layer) if graph else layer
    call(inputs, training=training)
    assert bool(np.any(layer.u.numpy() != before)) == moves


def test_training_comes_down_from_an_outer_layer():
    model = tf.keras.Sequential([dense(random(4, 3))])
    u = model.layers[0].u
    before = u.numpy()
    model(random(2, 4), training=False)
    np.testing.assert_array_equal(u, before)
    model(random(2, 4), training=True)
    assert np.any(u.numpy() != before)


def test_inference_is_repeatable_bit_for_bit():
    layer, inputs = dense(random(4, 3)), random(2, 4)
    first = layer(inputs, training=False)
    np.testing.assert_array_equal(first, layer(inputs, training=False))


def test_untrainable_layer_keeps_u():
    layer = dense(random(4, 3))
    layer.trainable = False
    before = layer.u.numpy()
    layer(random(2, 4), training=True)
    np.testing.assert_array_equal(layer.u, before)
    assert layer.trainable_variables == []


def test_layer_called_twice_iterates_twice():
    kernel, inputs = random(4, 3), random(2, 4)
    twice, once = dense(kernel), dense(kernel, power_iterations=2)
    once.u.assign(twice.u)
    twice(inputs, training=True)
    twice(inputs, training=True)
    once(inputs, training=True)
    np.testing.assert_allclose(twice.u, once.u, atol=TOLERANCE)


def test_minimum_divisor_leaves_small_kernels_alone():
    small, large = 0.25 * np.eye(3), 4.0 * np.eye(3)
    inputs = np.eye(3, dtype=np.float32)
    for kernel, minimum, expected in (
        (small, 1.0, small),
        (small, 0.0, np.eye(3)),
        (large, 1.0, np.eye(3)),
    ):
        outputs = dense(kernel, minimum_divisor=minimum)(inputs)
        np.testing.assert_allclose(outputs, expected, atol=TOLERANCE)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_power_iteration_is_float32_under_mixed_precision(policy):
    kernel, inputs = random(4, 3), random(2, 4)
    layer = SpectralNormalization(
        tf.keras.layers.Dense(3, use_bias=False, dtype=policy)
    )
    layer.build((None, 4))
    layer.raw_kernel.assign(kernel)
    reference = dense(kernel)
    reference.u.assign(layer.u)
    outputs = layer(inputs, training=True)
    expected = reference(inputs, training=True)
    assert outputs.dtype == policy.split("_")[1]
    assert layer.u.dtype == layer.sigma.dtype == tf.float32
    np.testing.assert_array_equal(layer.u, reference.u)
    np.testing.assert_array_equal(layer.sigma, reference.sigma)
    # bfloat16 has eight bits of precision.
    np.testing.assert_allclose(
        tf.cast(outputs, tf.float32), expected, atol=0.02
    )


def test_large_kernel_does_not_overflow_float16():
    layer = SpectralNormalization(
        tf.keras.layers.Dense(3, use_bias=False, dtype="mixed_float16")
    )
    layer.build((None, 3))
    layer.raw_kernel.assign(1e6 * np.eye(3))
    outputs = layer(np.eye(3, dtype=np.float16))
    np.testing.assert_allclose(outputs, np.eye(3), atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"layer": "dense"}, "`layer` should be a tf.keras.layers.Layer"),
        ({"power_iterations": 0}, "`power_iterations` should be at least 1"),
        ({"minimum_divisor": -1.0}, "`minimum_divisor` should not be negative"),
    ],
)
def test_wrong_arguments(arguments, part):
    arguments = {"layer": tf.keras.layers.Dense(2), **arguments}
    with pytest.raises(ValueError, match=part):
        SpectralNormalization(**arguments)


@pytest.mark.parametrize("layer", [tf.keras.layers.ReLU, Derived])
def test_layer_without_a_kernel_variable_is_refused(layer):
    with pytest.raises(ValueError, match="variable `kernel` or `embeddings`"):
        SpectralNormalization(layer())(random(2, 4))


def test_config_round_trip():
    layer = SpectralNormalization(
        tf.keras.layers.Conv2D(5, 3, name="inner"),
        power_iterations=3,
        minimum_divisor=1.0,
        name="outer",
    )
    copy = SpectralNormalization.from_config(layer.get_config())
    assert copy.get_config() == layer.get_config()
    assert (copy.name, copy.power_iterations) == ("outer", 3)
    assert copy.minimum_divisor == 1.0
    assert copy.layer.filters == 5


def functional_model():
    inputs = tf.keras.Input((6, 6, 3))
    x = SpectralNormalization(tf.keras.layers.Conv2D(4, 3))(inputs)
    x = tf.keras.layers.Flatten()(tf.keras.layers.ReLU()(x))
    outputs = SpectralNormalization(tf.keras.layers.Dense(2))(x)
    return tf.keras.Model(inputs, outputs)


def sequential_model():
    return tf.keras.Sequential(
        [
            tf.keras.Input((6, 6, 3)),
            SpectralNormalization(tf.keras.layers.Conv2D(4, 3)),
            tf.keras.layers.Flatten(),
            SpectralNormalization(tf.keras.layers.Dense(2)),
        ]
    )


@pytest.mark.parametrize("factory", [functional_model, sequential_model])
@pytest.mark.parametrize("file", ["model.keras", "model", "model.weights.h5"])
def test_model_is_saved_and_loaded(tmp_path, factory, file):
    model, inputs = factory(), random(2, 6, 6, 3)
    model(inputs, training=True)
    expected = model(inputs)
    if file.endswith("h5"):
        model.save_weights(tmp_path / file)
        loaded = factory()
        loaded.load_weights(tmp_path / file)
    else:
        model.save(tmp_path / file)
        loaded = tf.keras.models.load_model(tmp_path / file)
    np.testing.assert_array_equal(loaded(inputs), expected)
    np.testing.assert_array_equal(
        loaded.get_weights()[-1], model.get_weights()[-1]
    )
    loaded(inputs, training=True)
    assert np.any(loaded(inputs) != expected)


def test_model_trains_with_fit_and_moves_u():
    model = sequential_model()
    before = model.layers[0].u.numpy()
    model.compile(tf.keras.optimizers.legacy.SGD(0.1), "mse")
    model.fit(random(4, 6, 6, 3), random(4, 2), batch_size=2, verbose=0)
    assert np.any(model.layers[0].u.numpy() != before)


def test_function_is_traced_once():
    layer, traces = dense(random(4, 3)), []

    @tf.function
    def call(inputs, training):
        traces.append(1)
        return layer(inputs, training=training)

    for _ in range(3):
        call(tf.constant(random(2, 4)), tf.constant(True))
        call(tf.constant(random(2, 4)), tf.constant(False))
    assert len(traces) == 1


def test_replicas_agree_on_u_and_a_checkpoint_keeps_it(two_replicas, tmp_path):
    kernel = random(4, 3)
    with two_replicas.scope():
        layer = dense(kernel)

    @tf.function
    def step():
        two_replicas.run(lambda: layer(tf.ones((2, 4)), training=True))

    alone = dense(kernel)
    alone.u.assign(layer.u.read_value())
    for _ in range(3):
        step()
        alone(random(2, 4), training=True)
    first, second = layer.u.values
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first, alone.u, atol=TOLERANCE)
    prefix = tf.train.Checkpoint(layer=layer).write(str(tmp_path / "ckpt"))
    copy = dense(np.ones((4, 3)))
    tf.train.Checkpoint(layer=copy).read(prefix).assert_consumed()
    np.testing.assert_array_equal(copy.u, first)
    with two_replicas.scope():
        restored = dense(np.ones((4, 3)))
    tf.train.Checkpoint(layer=restored).read(prefix).assert_consumed()
    for value in restored.u.values:
        np.testing.assert_array_equal(value, first)
