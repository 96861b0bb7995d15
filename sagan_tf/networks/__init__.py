"""The generators and discriminators, built of `sagan_tf.layers`."""
