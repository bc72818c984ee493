"""Tensors in files that cannot run code."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor


def read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read a file of safetensors.

    Returns
    -------
    tuple of dict and dict
        The tensors by name, on the CPU, and the texts of the header.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When the file cannot be read or is no such file.
    """
    try:
        with safe_open(path, framework="pt") as content:  # type: ignore[no-untyped-call]
            names = content.keys()
            return {name: content.get_tensor(name) for name in names}, content.metadata() or {}
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError) as error:
        raise ValueError(str(error)) from error
