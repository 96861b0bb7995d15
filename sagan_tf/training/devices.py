"""The GPUs of this machine: whether they are used, and how."""

from __future__ import annotations

import pathlib
import shutil
import subprocess

import tensorflow as tf
from absl import logging

from sagan_tf import cuda_libraries

_DEVICE_FILES = pathlib.Path("/dev")
_PATIENCE_SECONDS = 10.0


def prepare() -> None:
    """Sets up the GPUs for a command that scores, draws or exports.

    To be called before TensorFlow does anything else. Memory grows as it is
    needed, so that such a command runs beside a training; TensorFloat-32 is
    off, so that numbers are those of float32; a GPU that is not used is named.
    """
    grow_memory(True)
    allow_tensor_float_32(False)
    warn_of_idle_gpu()


def grow_memory(growing: bool) -> None:
    """Says how TensorFlow takes the memory of each GPU.

    Args:
        growing: True takes it as it is needed and False all at once. It cannot
            change once TensorFlow has started its devices, which a warning
            then says.
    """
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, growing)
        except RuntimeError as error:
            logging.warning("the memory of %s: %s", gpu.name, error)


def allow_tensor_float_32(allowed: bool) -> None:
    """Says whether float32 may be computed in TensorFloat-32.

    NVIDIA's GPUs from Ampere on then round what float32 convolutions and
    products of matrices take in from 23 to 10 bits of mantissa. TensorFlow does
    so unless it is told not to.

    It is to be called once in a process, before the first convolution. Kernels
    look at the switch whenever they run, but cuDNN's algorithm is chosen at the
    first convolution of a shape and kept by shape alone (`ConvParameters` in
    TensorFlow's `core/util/autotune_maps`). So by its source, not seen on a
    GPU, one that was chosen with TensorFloat-32 stays, or is refused by the
    check of tensorflow/tensorflow#58846.

    Args:
        allowed: whether it may.
    """
    tf.config.experimental.enable_tensor_float_32_execution(allowed)


def warn_of_idle_gpu() -> None:
    """Logs a line if there is a GPU that TensorFlow does not see.

    TensorFlow's own line about it is of a level that commands hide.
    """
    found = find_idle_gpu()
    if found:
        logging.warning(
            "%s is there, but TensorFlow sees no GPU and computes on the "
            "processor: `make setup GPU=1` brings CUDA's libraries (README.md, "
            'A GPU); with %s="" this line goes',
            found,
            cuda_libraries.VISIBLE_VARIABLE,
        )


def find_idle_gpu() -> str:
    """Returns the sign of an NVIDIA GPU that TensorFlow does not see.

    Returns:
        A device file, or a line of `nvidia-smi -L`; empty if TensorFlow lists
        a GPU, there is none, or the user has hidden it.
    """
    hidden = cuda_libraries.gpus_are_hidden()
    if hidden or tf.config.list_physical_devices("GPU"):
        return ""
    files = sorted(_DEVICE_FILES.glob("nvidia[0-9]*"))
    return str(files[0]) if files else _first_listed_gpu()


def _first_listed_gpu() -> str:
    # Under Windows' Linux there are GPUs without device files.
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        listed = subprocess.run(
            [program, "-L"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = listed.stdout.splitlines()
    return next((line for line in lines if line.startswith("GPU ")), "")
