"""Golden checkpoints: weights, configurations and outputs of an earlier day.

A file of them is written once, and opens for good: `python -m tests.golden
NAME ...` writes those of layers that have none yet.
"""

import json
import pathlib
import sys

import numpy as np
import tensorflow as tf

from sagan_tf import layers, networks

# float32 rounding, magnified by normalizations and ten products in a row.
TOLERANCE = {"float32": 1e-4, "bfloat16": 0.03}
FOLDER = pathlib.Path(__file__).parent / "fixtures" / "golden"


def record(made, prefix):
    """Writes built layers with what they compute.

    Args:
        made: from name to a layer or network and its inputs.
        prefix: of the files to write.
    """
    checkpoint = tf.train.Checkpoint(
        **{n: layer for n, (layer, _) in made.items()}
    )
    checkpoint.write(str(prefix))
    configs, arrays = {}, {}
    for name, (layer, inputs) in made.items():
        config = json.loads(json.dumps(layer.get_config()))
        configs[name] = {"class": type(layer).__name__, "config": config}
        for index, value in enumerate(tf.nest.flatten(inputs)):
            arrays[f"{name}/inputs/{index}"] = value
        for key, values in compute(layer, inputs).items():
            for index, value in enumerate(values):
                arrays[f"{name}/{key}/{index}"] = value
    prefix.with_suffix(".json").write_text(json.dumps(configs, indent=1))
    np.savez_compressed(prefix.with_suffix(".npz"), **arrays)


def compute(layer, inputs):
    """Returns outputs, the norm of each gradient, and the state afterwards."""
    inference = layer(inputs, training=False)
    with tf.GradientTape() as tape:
        training = layer(inputs, training=True)
        loss = tf.reduce_sum(tf.sin(tf.cast(training, tf.float32)))
    gradients = tape.gradient(loss, layer.trainable_variables)
    return {
        "outputs": [inference, training],
        "gradients": [tf.norm(tf.convert_to_tensor(g)) for g in gradients],
        "state": [tf.identity(v) for v in layer.non_trainable_variables],
    }


def class_of(name):
    """Returns one of our classes by its name."""
    return getattr(layers, name, None) or getattr(networks, name)


def recorded():
    """Returns, for each name, its files' prefix, class name and config."""
    return {
        name: (path.with_suffix(""), case["class"], case["config"])
        for path in sorted(FOLDER.glob("*.json"))
        for name, case in json.loads(path.read_text()).items()
    }


def _expected(prefix, name):
    """Returns inputs, and what was computed, as lists of arrays by kind."""
    found = {kind: [] for kind in ("inputs", "outputs", "gradients", "state")}
    with np.load(prefix.with_suffix(".npz")) as arrays:
        for key in arrays.files:
            owner, kind, _ = key.split("/")
            if owner == name:
                found[kind].append(arrays[key])
    return found


def check(name):
    """Opens a recorded layer from its config and weights, and compares."""
    prefix, class_name, config = recorded()[name]
    expected = _expected(prefix, name)
    layer = class_of(class_name).from_config(config)
    inputs = [tf.constant(value) for value in expected.pop("inputs")]
    inputs = inputs[0] if len(inputs) == 1 else inputs
    layer(inputs)
    status = tf.train.Checkpoint(**{name: layer}).read(str(prefix))
    status.assert_existing_objects_matched()
    found = compute(layer, inputs)
    assert_close(found, expected, TOLERANCE[layer.compute_dtype])


def assert_close(found, expected, tolerance):
    """Compares what `compute` returned, relative to the largest of a kind.

    Of the gradients some are zero but for rounding: a bias's ahead of a batch
    normalization.
    """
    tf.nest.assert_same_structure(found, expected)
    for kind, values in expected.items():
        scale = max([1.0, *(np.abs(value).max() for value in values)])
        for ours, theirs in zip(found[kind], values):
            np.testing.assert_allclose(
                ours, theirs, rtol=0, atol=tolerance * scale, err_msg=kind
            )


def main(names):
    """Records layers of the registry, and networks, by their names."""
    from tests.layers.test_conformance import LAYERS, trained
    from tests.networks.test_golden import NETWORKS, scrambled

    made = {
        name: (trained(name), LAYERS[name][1])
        if name in LAYERS
        else scrambled(name)
        for name in names or [*LAYERS, *NETWORKS]
    }
    for name in made:
        if name in recorded():
            raise ValueError(f"{name} has been recorded already")
    count = len(list(FOLDER.glob("*.json")))
    record(made, FOLDER / f"golden_{count + 1}")


if __name__ == "__main__":
    tf.keras.utils.set_random_seed(0)
    main(sys.argv[1:])
