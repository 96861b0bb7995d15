"""What pyproject.toml cannot say: in a wheel, configs/ lies in sagan_tf.

A top-level package of that name would be in the way of others. Pretrained
weights lie beside the module that finds them.
"""

import setuptools

setuptools.setup(
    packages=[
        *setuptools.find_packages(include=["sagan_tf*"]),
        "sagan_tf.configs",
    ],
    package_dir={"sagan_tf.configs": "configs"},
    package_data={
        "sagan_tf.weights": ["*/*.json", "*/*.csv", "*/checkpoints/*/*"]
    },
)
