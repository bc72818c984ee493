"""Which parts of a picture the answer rests on: each is covered, and the probability asked again.

Occlusion (Zeiler and Fergus, 2014, https://arxiv.org/abs/1311.2901) needs nothing of the network
but its answers, so it works on the exported model.
"""

from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from .schemas import Contribution

GRID = 6

Cells = list[tuple[slice, slice]]


def cells(size: int) -> Cells:
    """Divide a square of `size` pixels into 6 by 6 cells, row by row."""
    edges = np.linspace(0, size, GRID + 1).astype(int).tolist()
    sides = [slice(start, end) for start, end in pairwise(edges)]
    return list(product(sides, sides))


def occluded(standardised: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cover each cell of a picture in turn.

    Parameters
    ----------
    standardised : ndarray of float32, shape (c, s, s)
        A picture less its mean, so that 0 is the picture's mean.

    Returns
    -------
    ndarray of float32, shape (36, c, s, s)
        Copies of it, each with one cell replaced by the picture's mean.
    """
    copies = np.repeat(standardised[None], GRID * GRID, axis=0)
    for copy, (rows, columns) in zip(copies, cells(standardised.shape[-1]), strict=True):
        copy[:, rows, columns] = 0.0
    return copies


def contributions(
    picture: NDArray[np.uint8], effects: NDArray[np.float64]
) -> tuple[list[Contribution], list[list[float]]]:
    """Describe the effects of the cells.

    Parameters
    ----------
    picture : ndarray of uint8, shape (c, s, s)
    effects : ndarray of float64, shape (36,)
        How far the probability falls when a cell is covered.

    Returns
    -------
    contributions, heat
        A contribution for each cell, the largest effect first; and the effects as rows.
    """
    parts = [picture[:, rows, columns] for rows, columns in cells(picture.shape[-1])]
    found = [
        Contribution(
            field=f"row {place // GRID + 1}, column {place % GRID + 1}",
            value=_brightness(parts[place]),
            typical=_brightness(picture),
            effect=round(float(effects[place]), 6),
        )
        for place in np.argsort(-np.abs(effects), kind="stable").tolist()
    ]
    heat: list[list[float]] = effects.round(6).reshape(GRID, GRID).tolist()
    return found, heat


def _brightness(part: NDArray[np.uint8]) -> float:
    return round(float(part.mean()) / 255, 3)
