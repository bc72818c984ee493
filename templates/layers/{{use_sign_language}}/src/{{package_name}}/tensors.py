"""Tensors, as NumPy has them, in files that cannot run code."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

Tensors = dict[str, NDArray[Any]]


def read(path: Path) -> tuple[Tensors, dict[str, str]]:
    """Read a file of safetensors.

    Returns
    -------
    tuple of dict and dict
        The tensors by name, and the texts of the header.

    Raises
    ------
    FileNotFoundError
        When there is none.
    ValueError
        When the file cannot be read or is no such file.
    """
    try:
        with safe_open(path, framework="numpy") as content:  # type: ignore[no-untyped-call]
            tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
            header = content.metadata() or {}
    except FileNotFoundError:
        raise
    # The last two are for kinds of numbers that NumPy does not have, such as bfloat16.
    except (OSError, SafetensorError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    # Another library may have taught NumPy these kinds; what is done here knows only its own.
    foreign = [name for name, tensor in tensors.items() if tensor.dtype.isbuiltin != 1]
    if foreign:
        raise ValueError(f"{foreign[0]} is of {tensors[foreign[0]].dtype}, which NumPy lacks")
    return tensors, header


def below(prefix: str, tensors: Tensors) -> Tensors:
    """Return the tensors whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
