"""What Keras' variables hold, as NumPy has it."""

from typing import Any

import numpy as np

from .tensors import Tensors


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
