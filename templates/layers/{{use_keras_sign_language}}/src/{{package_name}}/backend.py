"""Loads Keras on the library that KERAS_BACKEND names: tensorflow (the default), torch or jax.

Everything here but the lines below is written once for all three. Import `keras` from this module.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .errors import UserError


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide what TensorFlow tells of its own parts when it is imported, past all of its settings."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # Errors alone.
try:
    with _quiet():
        import keras
except (ImportError, ValueError) as error:
    raise UserError(
        f"Keras cannot be loaded: {error}",
        "Run `uv sync`. KERAS_BACKEND, where it is set, names a library that is installed.",
    ) from error

__all__ = ["choose_device", "keras", "prepare"]


def prepare(seed: int, threads: int) -> None:
    """Make what follows depend on the seed alone, and give it so many threads (0: one a core).

    On TensorFlow and JAX a training that was stopped goes on to the very same weights, on PyTorch
    to nearly the same.
    """
    name = keras.backend.backend()
    if name == "tensorflow":
        import tensorflow as tf

        with suppress(RuntimeError):  # After its first step it keeps the number that it has.
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        tf.config.experimental.enable_op_determinism()
    elif name == "torch":
        import torch

        torch.set_num_threads(threads or os.cpu_count() or 1)
        torch.use_deterministic_algorithms(True, warn_only=True)
    keras.utils.set_random_seed(seed)


def choose_device(name: str) -> str:
    """Return the device of that name as Keras spells it; for `auto` a GPU where there is one.

    Raises
    ------
    UserError
        When this machine has no such device.
    """
    for choice in ["cuda", "mps", "cpu"] if name == "auto" else [name]:
        device = "gpu:0" if choice == "cuda" else choice.replace("cuda", "gpu")
        if _works(device):
            return device
    raise UserError(
        f"There is no device {name!r} here.",
        "Set train.device to auto, cpu or cuda. A GPU also needs a library built for it: "
        "`uv add 'tensorflow[and-cuda]'`.",
    )


def _works(device: str) -> bool:
    if keras.backend.backend() == "tensorflow":
        # It would silently compute on the CPU in the place of a device that is not there.
        import tensorflow

        kind, _, number = device.partition(":")
        there = len(tensorflow.config.list_physical_devices(kind.upper()))
        return there > (int(number) if number.isdecimal() else 0)
    try:
        with keras.device(device):
            keras.ops.zeros(1)
    except Exception:  # Each library has errors of its own for a device that is not there.
        return False
    return True
