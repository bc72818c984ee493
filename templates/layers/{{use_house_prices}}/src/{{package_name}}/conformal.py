"""Intervals with a known coverage, from errors on rows that were not learned from."""

import math

import numpy as np
from numpy.typing import NDArray

# The coverages at which a report compares what was promised with what was seen.
NOMINAL = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def calibration(
    residuals: NDArray[np.float64], held_out: NDArray[np.float64]
) -> list[tuple[float, float]]:
    """Return pairs of a coverage that is promised and the one that is seen.

    Parameters
    ----------
    residuals : ndarray of float64, shape (n,)
        What the intervals are made of.
    held_out : ndarray of float64, shape (m,)
        Errors of the final model on rows that it did not see, on the same scale.
    """
    sizes = np.abs(held_out)
    return [(c, float((sizes <= half_width(residuals, c)).mean())) for c in NOMINAL]


def half_width(residuals: NDArray[np.float64], coverage: float) -> float:
    """Return how far the true value is from the prediction in `coverage` of all cases.

    Conformal prediction with cross-validated residuals (Vovk, Gammerman and Shafer, *Algorithmic
    Learning in a Random World*, 2005; Barber, Candes, Ramdas and Tibshirani, *Predictive inference
    with the jackknife+*, 2021). On a logarithmic scale the interval is relative: a dear house gets
    a wider one.

    Parameters
    ----------
    residuals : ndarray of float64, shape (n,)
        Errors on the model's scale, each by a model that did not see the row.
    coverage : float
        Between 0 and 1.

    Returns
    -------
    float
        Half of the interval's width, on the model's scale.
    """
    sizes = np.sort(np.abs(residuals))
    # One more than n: the new row is as likely to be the worst as any of the others.
    rank = math.ceil((len(sizes) + 1) * coverage)
    return float(sizes[min(rank, len(sizes)) - 1])
