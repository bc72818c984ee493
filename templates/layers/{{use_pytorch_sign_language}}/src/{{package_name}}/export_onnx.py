"""A trained network as ONNX, which the service runs without PyTorch."""

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from .errors import UserError
from .networks.network import Network

# Difference of logits that rounding explains, relative to the largest logit (or to 1).
TOLERANCE = 1e-4


def export(network: Network, shape: tuple[int, int, int], path: Path) -> float:
    """Write a network, and compare what it answers there and here.

    Parameters
    ----------
    network : Network
        It stays where and as it is.
    shape : tuple of int
        (c, s, s) of a picture.
    path : Path
        The file, with all weights in it. Its input is `pictures`, float32 (n, c, s, s),
        standardised; its output is `logits`, float32 (n, k).

    Returns
    -------
    float
        The largest difference of the two, see `TOLERANCE`.

    Raises
    ------
    UserError
        When it is larger than that: such a model must not be served.
    """
    here = copy.deepcopy(network).cpu().to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    pictures = torch.randn(7, *shape, generator=torch.Generator().manual_seed(0))
    with _quiet():
        # Of one example picture the exporter would conclude that there is always one.
        torch.onnx.export(
            here,
            (pictures[:2],),
            path,
            dynamo=True,
            external_data=False,
            verbose=False,
            input_names=["pictures"],
            output_names=["logits"],
            dynamic_shapes={"pictures": {0: torch.export.Dim("n")}},
        )
    difference = 0.0
    for count in (1, len(pictures)):
        with torch.inference_mode():
            expected = here(pictures[:count]).numpy()
        answered = run(path, pictures[:count].numpy())
        largest = float(np.abs(answered - expected).max() / max(1.0, np.abs(expected).max()))
        difference = max(difference, largest)
    if not difference <= TOLERANCE:
        raise UserError(
            f"The exported network differs from the trained one by {difference:.2g}.",
            "Nothing was kept. Report it, and train another network until then: "
            "--set train.network=resnet.",
        )
    return difference


def run(path: Path, pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits (n, k) of standardised pictures (n, c, s, s), as the service computes."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    logits: NDArray[np.float32] = session.run(["logits"], {"pictures": pictures})[0]
    return logits


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide what the exporter tells of its own progress and of its own libraries."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
