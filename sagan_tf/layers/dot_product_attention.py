"""Attention as a pure function, at once or in blocks of queries."""

from __future__ import annotations

from typing import Any, Iterator

import tensorflow as tf


def attend(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    pooled: bool,
    max_scores: int | None = None,
) -> tuple[tf.Tensor, tf.Tensor | None]:
    """Finds for each position the sum of the values that it attends to.

    Args:
        query: `(batch, height, width, key_channels)`.
        key: `(batch, height, width, key_channels)`.
        value: `(batch, height, width, value_channels)`.
        pooled: whether keys and values are max-pooled 2x2 first.
        max_scores: weights per image beyond which the queries are taken in
            blocks; None takes them at once.

    Returns:
        The sums `(batch, height, width, value_channels)`, and the weights
        `(batch, queries, keys)`, float32, or None if there were blocks.
    """
    if pooled:
        key, value = _pool(key), _pool(value)
    like = query
    query, key, value = _as_rows(query), _as_rows(key), _as_rows(value)
    blocks = count_blocks(query.shape[1], key.shape[1], max_scores)
    if blocks > 1:
        return _as_map(attend_in_blocks(query, key, value, blocks), like), None
    scores = attention_scores(query, key)
    found = tf.matmul(tf.cast(scores, value.dtype), value)
    return _as_map(found, like), scores


def score_blocks(
    query: tf.Tensor, key: tf.Tensor, pooled: bool, max_scores: int
) -> Iterator[tf.Tensor]:
    """Yields the weights of some queries at a time, which are never all there.

    Args:
        query: `(batch, height, width, key_channels)`.
        key: `(batch, height, width, key_channels)`.
        pooled: whether keys are max-pooled 2x2 first.
        max_scores: weights per image in a block, as `attend` takes it.

    Yields:
        `(batch, some queries, keys)`, float32, in the order of the queries.
    """
    query, key = _as_rows(query), _as_rows(_pool(key) if pooled else key)
    blocks = count_blocks(query.shape[1], key.shape[1], max_scores)
    for part in tf.split(query, blocks, axis=1):
        yield attention_scores(part, key)


def _pool(images: tf.Tensor) -> tf.Tensor:
    return tf.nn.max_pool2d(images, 2, 2, "VALID")


def attention_scores(query: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Returns a softmax over the keys of each query's dot products.

    Args:
        query: `(batch, queries, key_channels)`.
        key: `(batch, keys, key_channels)`.

    Returns:
        `(batch, queries, keys)`, float32, each row of sum 1.
    """
    logits = tf.matmul(query, key, transpose_b=True)
    return tf.nn.softmax(tf.cast(logits, tf.float32))


def count_blocks(
    queries: int | None, keys: int | None, max_scores: int | None
) -> int:
    """Returns the least number of equal blocks of at most so many weights.

    Args:
        queries: number of queries; if it is unknown there is one block.
        keys: number of keys; if it is unknown there is one block.
        max_scores: weights in a block, beyond those of one query; None for no
            bound.
    """
    if max_scores is None or not queries or not keys:
        return 1
    return next(
        count
        for count in range(1, queries + 1)
        if queries % count == 0
        and (queries // count * keys <= max_scores or count == queries)
    )


def attend_in_blocks(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, blocks: int
) -> tf.Tensor:
    """Attends block by block, and again block by block in the backward pass.

    Every softmax runs over all keys, so the result is that of attention at
    once. The weights are never kept: the backward pass computes them anew, and
    one block's weights are all that exists at any time.

    Args:
        query: `(batch, queries, key_channels)`.
        key: `(batch, keys, key_channels)`.
        value: `(batch, keys, value_channels)`.
        blocks: number of blocks, a divisor of the number of queries.

    Returns:
        `(batch, queries, value_channels)`.
    """

    @tf.custom_gradient
    def attend(
        query: tf.Tensor, key: tf.Tensor, value: tf.Tensor
    ) -> tuple[tf.Tensor, Any]:
        def find(part: tf.Tensor) -> tf.Tensor:
            scores = attention_scores(part, key)
            return tf.matmul(tf.cast(scores, value.dtype), value)

        found = tf.map_fn(find, _split(query, blocks), parallel_iterations=1)
        return _join(found), lambda upstream: _gradients(
            query, key, value, upstream, blocks
        )

    return attend(query, key, value)


def _gradients(
    query: tf.Tensor,
    key: tf.Tensor,
    value: tf.Tensor,
    upstream: tf.Tensor,
    blocks: int,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Gradients of the three inputs, summed over blocks in float32."""
    queries, upstreams = _split(query, blocks), _split(upstream, blocks)

    def add(index: tf.Tensor, parts: Any, to_key: Any, to_value: Any) -> Any:
        found = _block_gradients(queries[index], key, value, upstreams[index])
        return (
            index + 1,
            parts.write(index, found[0]),
            to_key + tf.cast(found[1], tf.float32),
            to_value + tf.cast(found[2], tf.float32),
        )

    _, parts, to_key, to_value = tf.while_loop(
        lambda index, *_: index < blocks,
        add,
        (
            tf.constant(0),
            tf.TensorArray(
                query.dtype, blocks, element_shape=queries.shape[1:]
            ),
            tf.zeros_like(key, tf.float32),
            tf.zeros_like(value, tf.float32),
        ),
        parallel_iterations=1,
        maximum_iterations=blocks,
    )
    return (
        _join(parts.stack()),
        tf.cast(to_key, key.dtype),
        tf.cast(to_value, value.dtype),
    )


def _block_gradients(
    query: tf.Tensor, key: tf.Tensor, value: tf.Tensor, upstream: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    scores = attention_scores(query, key)
    to_value = tf.matmul(
        tf.cast(scores, value.dtype), upstream, transpose_a=True
    )
    to_scores = tf.matmul(upstream, value, transpose_b=True)
    to_scores = tf.cast(to_scores, tf.float32)
    mean = tf.reduce_sum(to_scores * scores, -1, keepdims=True)
    to_logits = tf.cast(scores * (to_scores - mean), query.dtype)
    return (
        tf.matmul(to_logits, key),
        tf.matmul(to_logits, query, transpose_a=True),
        to_value,
    )


def _split(rows: tf.Tensor, blocks: int) -> tf.Tensor:
    """Reshapes `(batch, rows, c)` to `(blocks, batch, rows / blocks, c)`."""
    shape = (-1, blocks, rows.shape[1] // blocks, rows.shape[2])
    return tf.transpose(tf.reshape(rows, shape), (1, 0, 2, 3))


def _join(parts: tf.Tensor) -> tf.Tensor:
    """Reshapes `(blocks, batch, rows / blocks, c)` to `(batch, rows, c)`."""
    blocks, _, rows, channels = parts.shape
    return tf.reshape(
        tf.transpose(parts, (1, 0, 2, 3)), (-1, blocks * rows, channels)
    )


def _as_rows(images: tf.Tensor) -> tf.Tensor:
    """Reshapes `(batch, height, width, c)` to `(batch, height * width, c)`."""
    _, height, width, channels = images.shape
    if height and width:
        return tf.reshape(images, (-1, height * width, channels))
    return tf.reshape(images, (tf.shape(images)[0], -1, channels))


def _as_map(rows: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """Reshapes `(batch, height * width, c)` to `(batch, height, width, c)`."""
    shape = tf.shape(like)
    return tf.reshape(rows, (shape[0], shape[1], shape[2], rows.shape[-1]))
