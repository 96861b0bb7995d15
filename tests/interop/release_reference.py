"""The released networks, stated a second time as a TensorFlow 1 graph.

Plain operations, nothing folded, nothing of `sagan_tf`: only the names of the
variables and the mathematics are those of the release.
"""

import numpy as np
import tensorflow as tf

v1 = tf.compat.v1

GENERATOR_WIDTHS = {
    64: (16, 8, 4, 2, 1),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
DISCRIMINATOR_WIDTHS = {
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}


def _random(shape):
    scale = 1.0 / np.sqrt(np.prod(shape[:-1]))
    return tf.random.normal(shape, stddev=scale)


def _variable(name, value, trainable=True):
    return v1.get_variable(
        name, initializer=lambda: value, trainable=trainable, dtype=tf.float32
    )


def _normalized(name, shape, transposed=False):
    kernel = _variable(name, _random(shape))
    matrix = tf.transpose(kernel) if transposed else kernel
    matrix = tf.reshape(matrix, (-1, matrix.shape[-1]))
    u = _variable("u", tf.random.normal((1, matrix.shape[-1])), False)
    v = tf.matmul(u, matrix, transpose_b=True)
    v /= tf.norm(v)
    new_u = tf.matmul(v, matrix)
    new_u /= tf.norm(new_u)
    return kernel / tf.reduce_sum(tf.matmul(v, matrix) * new_u)


def _convolution(x, channels, size, name):
    with v1.variable_scope(name):
        kernel = _normalized("w", (size, size, int(x.shape[-1]), channels))
        bias = _variable("biases", 0.1 * tf.random.normal((channels,)))
    return tf.nn.conv2d(x, kernel, 1, "SAME") + bias


def _dense(x, units, name):
    with v1.variable_scope(name):
        kernel = _normalized("Matrix", (int(x.shape[-1]), units))
        bias = _variable("bias", 0.1 * tf.random.normal((units,)))
    return tf.matmul(x, kernel) + bias


def _norm(x, name, mean, variance, statistics_shape, labels=None, classes=0):
    channels = int(x.shape[-1])
    shape = (classes, channels) if classes else (channels,)
    with v1.variable_scope(name):
        gain = _variable("gamma", 1.0 + 0.1 * tf.random.normal(shape))
        bias = _variable("beta", 0.1 * tf.random.normal(shape))
        statistics = (*statistics_shape, channels)
        mean = _variable(mean, 0.1 * tf.random.normal(statistics), False)
        variance = _variable(
            variance, tf.random.uniform(statistics, 0.5, 1.5), False
        )
    if classes:
        gain = tf.gather(gain, labels)[:, None, None]
        bias = tf.gather(bias, labels)[:, None, None]
    return (x - mean) / tf.sqrt(variance + 1e-5) * gain + bias


def _class_norm(x, labels, classes, name):
    return _norm(x, name, "mean", "var", (1, 1, 1), labels, classes)


def _double(x):
    return tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)


def _halve(x):
    _, height, width, channels = x.shape
    x = tf.reshape(x, (-1, height // 2, 2, width // 2, 2, channels))
    return tf.reduce_mean(x, (2, 4))


def _up_block(x, labels, classes, channels, name):
    with v1.variable_scope(name):
        y = tf.nn.relu(_class_norm(x, labels, classes, "cbn_0"))
        y = _convolution(_double(y), channels, 3, "snconv1")
        y = tf.nn.relu(_class_norm(y, labels, classes, "cbn_1"))
        y = _convolution(y, channels, 3, "snconv2")
        return y + _convolution(_double(x), channels, 1, "snconv3")


def _down_block(x, channels, name, first=False, last=False):
    with v1.variable_scope(name):
        y = x if first else tf.nn.relu(x)
        y = tf.nn.relu(_convolution(y, channels, 3, "sn_conv1"))
        y = _convolution(y, channels, 3, "sn_conv2")
        if not last or int(x.shape[-1]) != channels:
            x = _convolution(x, channels, 1, "sn_conv3")
        return x + y if last else _halve(x) + _halve(y)


def _attention(x, name):
    _, height, width, channels = x.shape

    def project(x, width, name):
        with v1.variable_scope(name):
            kernel = _normalized("w", (1, 1, int(x.shape[-1]), width))
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    def rows(x):
        return tf.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))

    with v1.variable_scope(name):
        query = project(x, channels // 8, "sn_conv_theta")
        key = project(x, channels // 8, "sn_conv_phi")
        value = project(x, channels // 2, "sn_conv_g")
        key, value = (tf.nn.max_pool2d(y, 2, 2, "VALID") for y in (key, value))
        logits = tf.einsum("bqc,bkc->bqk", rows(query), rows(key))
        found = tf.einsum("bqk,bkc->bqc", tf.nn.softmax(logits), rows(value))
        found = tf.reshape(found, (-1, height, width, channels // 2))
        gate = _variable("sigma_ratio", tf.constant(0.7))
        return x + gate * project(found, channels, "sn_conv_attn")


def generator(latents, labels, image_size, base_channels, classes, attention):
    """Images from moving statistics; `attention` is a map size or None."""
    first, *widths = GENERATOR_WIDTHS[image_size]
    x = _dense(latents, 16 * first * base_channels, "g_snh0")
    x = tf.reshape(x, (-1, 4, 4, first * base_channels))
    for index, width in enumerate(widths, start=1):
        x = _up_block(
            x, labels, classes, width * base_channels, f"g_block{index}"
        )
        if x.shape[1] == attention:
            x = _attention(x, "g_non_local")
    x = _norm(x, "g_bn", "moving_mean", "moving_variance", ())
    return tf.tanh(_convolution(tf.nn.relu(x), 3, 3, "g_snconv_last"))


def discriminator(images, labels, base_channels, classes, attention):
    """Logits `(batch, 1)`; `attention` is a map size or None."""
    widths = DISCRIMINATOR_WIDTHS[int(images.shape[1])]
    x = images
    for index, width in enumerate(widths, start=1):
        first, last = index == 1, index == len(widths)
        name = f"d_optimized_block{index}" if first else f"d_block{index}"
        x = _down_block(x, width * base_channels, name, first, last)
        if x.shape[1] == attention:
            x = _attention(x, "d_non_local")
    features = tf.reduce_sum(tf.nn.relu(x), (1, 2))
    logits = _dense(features, 1, "d_sn_linear")
    with v1.variable_scope("d_embedding"):
        shape = (classes, int(features.shape[-1]))
        table = _normalized("embedding_map", shape, transposed=True)
    chosen = tf.gather(table, labels)
    return logits + tf.reduce_sum(features * chosen, axis=1, keepdims=True)


def write(prefix, latents, labels, images, widths, classes, attention):
    """Writes a checkpoint of random networks, with Adam's slots and a step.

    Args:
        prefix: where to write it.
        latents, labels, images: what the networks are run on.
        widths, attention: of the generator and of the discriminator.
        classes: number of classes.

    Returns:
        The generator's images and the discriminator's logits.
    """
    with tf.Graph().as_default():
        tf.random.set_seed(7)
        with v1.variable_scope("model", use_resource=True):
            drawn = generator(
                tf.constant(latents),
                tf.constant(labels),
                images.shape[1],
                widths[0],
                classes,
                attention[0],
            )
            logits = discriminator(
                tf.constant(images),
                tf.constant(labels),
                widths[1],
                classes,
                attention[1],
            )
        step = v1.train.get_or_create_global_step()
        v1.train.AdamOptimizer(1e-4).minimize(
            tf.reduce_mean(logits), global_step=step
        )
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            v1.train.Saver().save(session, prefix)
            return session.run((drawn, logits))
