"""How wrong the predictions are, how sure that is, and for which rows it is worst."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
RESAMPLES = 1_000


def primary(*, log_target: bool) -> str:
    """Return the metric that decides: relative errors count where the target is skewed."""
    return "rmsle" if log_target else "rmse"


def score(y: Vector, predictions: Vector) -> dict[str, float]:
    """Return the metrics of a model, in the target's unit where they have one.

    Parameters
    ----------
    y, predictions : ndarray of float64, shape (n,)
        The true values and the predictions.

    Returns
    -------
    dict[str, float]
        `rmsle` (only where no true value is negative), `rmse`, `mean_absolute_error`, `r2`.
    """
    metrics = {name: float(np.sqrt(loss.mean())) for name, loss in _squares(y, predictions).items()}
    metrics["mean_absolute_error"] = float(np.abs(predictions - y).mean())
    spread = float(((y - y.mean()) ** 2).mean())
    metrics["r2"] = 1 - metrics["rmse"] ** 2 / spread if spread > 0 else 0.0
    return metrics


def score_intervals(y: Vector, lower: Vector, upper: Vector) -> dict[str, float]:
    """Return how many intervals hold the true value (0 to 1), and how wide they are on average."""
    inside = (lower <= y) & (y <= upper)
    return {"coverage": float(inside.mean()), "interval_width": float((upper - lower).mean())}


def confidence(
    y: Vector, predictions: Vector, lower: Vector, upper: Vector, seed: int
) -> dict[str, tuple[float, float]]:
    """Return 95 % bootstrap intervals (Efron, 1979) of the metrics that are means over the rows."""
    squares = _squares(y, predictions)
    means = {
        "mean_absolute_error": np.abs(predictions - y),
        "coverage": ((lower <= y) & (y <= upper)).astype(np.float64),
        "interval_width": upper - lower,
    }
    losses = np.column_stack([*squares.values(), *means.values()])
    random = np.random.default_rng(seed)
    resampled = np.array(
        [losses[random.integers(len(y), size=len(y))].mean(axis=0) for _ in range(RESAMPLES)]
    )
    resampled[:, : len(squares)] = np.sqrt(resampled[:, : len(squares)])
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    return {
        name: (float(low[place]), float(high[place]))
        for place, name in enumerate([*squares, *means])
    }


def _squares(y: Vector, predictions: Vector) -> Mapping[str, Vector]:
    squares = {"rmse": (predictions - y) ** 2}
    if y.min() >= 0:
        # A logarithm knows nothing below zero, and neither does a price.
        return {"rmsle": (np.log1p(np.maximum(predictions, 0)) - np.log1p(y)) ** 2} | squares
    return squares
