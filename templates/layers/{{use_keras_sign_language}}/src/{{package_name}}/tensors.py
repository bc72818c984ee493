"""Tensors in files that cannot run code."""

from pathlib import Path
from typing import Any

import numpy as np
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
            names = content.keys()
            return {name: content.get_tensor(name) for name in names}, content.metadata() or {}
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError) as error:
        raise ValueError(str(error)) from error


def values(variables: list[Any]) -> Tensors:
    """Return copies of what Keras' variables hold, by their place and the last word of their name.

    The rest of a name would not do: Keras numbers the layers of a process on and on.
    """
    return {
        f"{place:03}.{variable.name.rpartition('_')[-1]}": np.array(variable.numpy())
        for place, variable in enumerate(variables)
    }


def assign(variables: list[Any], tensors: Tensors) -> None:
    """Give variables what `values` returned of others like them.

    Raises
    ------
    ValueError
        When they are not alike; none is changed.
    """
    found = values(variables)
    if {name: t.shape for name, t in found.items()} != {n: t.shape for n, t in tensors.items()}:
        raise ValueError("it belongs to a network of another shape")
    for variable, name in zip(variables, found, strict=True):
        variable.assign(tensors[name])


def below(prefix: str, tensors: Tensors) -> Tensors:
    """Return the tensors whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
