"""What a traced step computes, and how fast its convolutions run alone."""

from __future__ import annotations

import collections
import dataclasses
import time
from typing import Callable, Iterator

import tensorflow as tf

_KINDS = ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter")


@dataclasses.dataclass(frozen=True)
class Convolution:
    """One convolution, or one of its two gradients.

    Attributes:
        kind: TensorFlow's name of the operation.
        images: shape of the larger map `(batch, height, width, channels)`.
        kernel: `(height, width, channels, filters)`.
        results: shape of what the convolution gives from `images`.
        stride: 1 or 2.
        dtype: name of the dtype.
    """

    kind: str
    images: tuple[int, ...]
    kernel: tuple[int, ...]
    results: tuple[int, ...]
    stride: int
    dtype: str

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        batch, height, width, filters = self.results
        rows, columns, channels, _ = self.kernel
        return 2 * batch * height * width * filters * rows * columns * channels


def find(graph: tf.Graph) -> collections.Counter[Convolution]:
    """Counts the convolutions of a graph of fixed shapes."""
    found: collections.Counter[Convolution] = collections.Counter()
    for operation in graph.get_operations():
        if operation.type in _KINDS:
            found[_describe(operation)] += 1
    return found


def _describe(operation: tf.Operation) -> Convolution:
    tensors = [*operation.inputs, *operation.outputs]
    # The first input of a gradient is a shape where it replaces a tensor.
    order = {
        "Conv2D": (0, 1, 2),
        "Conv2DBackpropInput": (3, 1, 2),
        "Conv2DBackpropFilter": (0, 3, 2),
    }[operation.type]
    shapes = [tuple(tensors[index].shape.as_list()) for index in order]
    return Convolution(
        operation.type,
        *shapes,
        stride=operation.get_attr("strides")[1],
        dtype=tensors[-1].dtype.name,
    )


def products(graph: tf.Graph) -> int:
    """Counts the operations of matrix products: attention and dense."""
    total = 0
    for operation in graph.get_operations():
        if operation.type in ("MatMul", "BatchMatMulV2"):
            shape = operation.inputs[0].shape.as_list()
            names = ("transpose_a", "adj_x")
            first = operation.get_attr(names[operation.type != "MatMul"])
            inner = shape[-2] if first else shape[-1]
            total += 2 * inner * operation.outputs[0].shape.num_elements()
    return total


@dataclasses.dataclass(frozen=True)
class Limit:
    """What a step would take if it were nothing but its convolutions.

    Attributes:
        operations: of all convolutions of a step.
        seconds: of all of them, each timed alone.
    """

    operations: int
    seconds: float

    @property
    def gigaflops(self) -> float:
        """Billions of operations per second."""
        return self.operations / self.seconds / 1e9


def measure(
    found: collections.Counter[Convolution],
    repeats: int = 5,
    say: Callable[[str], None] = lambda text: None,
) -> Limit:
    """Times each shape alone; the fastest of the repeats counts.

    Args:
        found: what `find` returned.
        repeats: how often each is timed.
        say: is told what is going on.
    """
    operations, seconds = 0, 0.0
    for index, (each, count) in enumerate(sorted(found.items(), key=str), 1):
        duration = min(_durations(each, repeats))
        operations += count * each.operations
        seconds += count * duration
        rate = each.operations / duration / 1e9
        say(
            f"convolution {index} of {len(found)}: {count} x {each.kind} "
            f"{each.images} {each.kernel}: {rate:.0f} GFLOP/s"
        )
    return Limit(operations, seconds)


def _durations(each: Convolution, repeats: int) -> Iterator[float]:
    run = tf.function(_runner(each))
    arguments = [
        tf.cast(tf.random.normal(shape), each.dtype)
        for shape in (each.images, each.kernel, each.results)
    ]
    run(*arguments)
    for _ in range(repeats):
        tf.test.experimental.sync_devices()
        start = time.perf_counter()
        run(*arguments)
        tf.test.experimental.sync_devices()
        yield time.perf_counter() - start


def _runner(each: Convolution) -> Callable[..., tf.Tensor]:
    options = {
        "strides": [1, each.stride, each.stride, 1],
        "padding": "SAME",
    }

    def run(
        images: tf.Tensor, kernel: tf.Tensor, results: tf.Tensor
    ) -> tf.Tensor:
        if each.kind == "Conv2D":
            return tf.raw_ops.Conv2D(input=images, filter=kernel, **options)
        if each.kind == "Conv2DBackpropInput":
            return tf.raw_ops.Conv2DBackpropInput(
                input_sizes=each.images,
                filter=kernel,
                out_backprop=results,
                **options,
            )
        return tf.raw_ops.Conv2DBackpropFilter(
            input=images,
            filter_sizes=each.kernel,
            out_backprop=results,
            **options,
        )

    return run
