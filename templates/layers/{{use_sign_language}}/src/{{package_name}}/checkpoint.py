"""A training that is not finished, in one file that is always whole.

The file is safetensors: tensors, and JSON in its header. Nothing in it can run code.
"""

import hashlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save as to_bytes

from .artifact import replace_bytes
from .tensors import Tensors, read

FILE = "training.safetensors"


def save(folder: Path, key: str, tensors: Tensors, facts: Mapping[str, Any]) -> None:
    """Replace the checkpoint in one step: whenever the process dies, the old or the new one stays.

    Parameters
    ----------
    folder : Path
        It is made where it is missing.
    key : str
        Of what the training depends on; `load` wants the same.
    tensors : dict of str to ndarray
        The state in numbers.
    facts : mapping of str to anything that JSON knows
        The rest of the state; its floats come back as the same floats.

    Raises
    ------
    UserError
        When the file cannot be written.
    """
    text = json.dumps(facts)
    header = {"key": key, "facts": text, "sha256": _digest(tensors, text)}
    replace_bytes(folder / FILE, to_bytes(tensors, header))


def load(folder: Path, key: str) -> tuple[Tensors, dict[str, Any]] | None:
    """Read a checkpoint.

    Returns
    -------
    tuple of dict and dict, or None
        What was given to `save`; None when there is nothing, when it belongs to another training,
        and, with a warning, when it is damaged.
    """
    path = folder / FILE
    try:
        tensors, header = read(path)
        if header.get("key", key) != key:
            return None
        if header.get("sha256") != _digest(tensors, header.get("facts", "")):
            raise ValueError("its content is not what was written")
        facts: dict[str, Any] = json.loads(header["facts"])
    except FileNotFoundError:
        return None
    except ValueError as error:
        warnings.warn(
            f"The checkpoint {path} cannot be used ({error}); the training begins anew.",
            stacklevel=2,
        )
        return None
    return tensors, facts


def _digest(tensors: Tensors, text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tensor.shape}".encode())
        digest.update(np.ascontiguousarray(tensor).data)
    return digest.hexdigest()
