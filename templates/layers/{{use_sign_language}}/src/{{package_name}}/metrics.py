"""How often the answers are right, how sure that is, and for which signs it is worst."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import Labels, Matrix, expected_calibration_error

# The metric that decides whether a network becomes champion.
PRIMARY = "accuracy"
RESAMPLES = 1_000
# A probability of zero for what then happens would be an endless loss.
SMALLEST = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class ClassScore:
    """How well one sign is read.

    Attributes
    ----------
    name : str
        The sign.
    pictures : int
        How many held-out pictures show it.
    precision : float or None
        Share of the answers with this sign that are right; None where no answer is this sign.
    recall : float or None
        Share of its pictures that are answered rightly; None where there are none.
    f1 : float or None
        Harmonic mean of the two; None where the sign is neither shown nor answered.
    """

    name: str
    pictures: int
    precision: float | None
    recall: float | None
    f1: float | None


def score(labels: Labels, probabilities: Matrix) -> dict[str, float]:
    """Return the metrics of a network.

    Parameters
    ----------
    labels : ndarray of intp, shape (n,)
        The true signs, 0 to k - 1; n is at least 1.
    probabilities : ndarray of float64, shape (n, k)
        Of each sign; the likeliest one is the answer.

    Returns
    -------
    dict[str, float]
        `accuracy`; `macro_f1`, the mean F1 of the signs that are shown or answered, so that a rare
        sign counts as much as a frequent one; `log_loss` in nats; `calibration_error` (ECE).
    """
    predicted = probabilities.argmax(axis=1)
    return {
        "accuracy": float((predicted == labels).mean()),
        "macro_f1": _macro_f1(confusion(labels, predicted, probabilities.shape[1])),
        "log_loss": float(_losses(labels, probabilities).mean()),
        "calibration_error": expected_calibration_error(labels, probabilities),
    }


def confidence(labels: Labels, probabilities: Matrix, seed: int) -> dict[str, tuple[float, float]]:
    """Return 95 % bootstrap intervals (Efron, 1979) over the pictures.

    The calibration error has none: drawing again adds chance to it, so the interval would lie
    above the error.
    """
    count, classes = probabilities.shape
    losses = _losses(labels, probabilities)
    pairs = labels * classes + probabilities.argmax(axis=1)
    random = np.random.default_rng(seed)
    resampled = np.empty((RESAMPLES, 3))
    for place in range(RESAMPLES):
        drawn = random.integers(count, size=count)
        counts = np.bincount(pairs[drawn], minlength=classes**2).reshape(classes, classes)
        resampled[place] = np.trace(counts) / count, _macro_f1(counts), losses[drawn].mean()
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    return {
        name: (float(low[place]), float(high[place]))
        for place, name in enumerate(("accuracy", "macro_f1", "log_loss"))
    }


def confusion(labels: Labels, predicted: Labels, classes: int) -> Labels:
    """Count the pictures by their true sign (row) and their answer (column), shape (k, k)."""
    counts = np.bincount(labels * classes + predicted, minlength=classes**2)
    return counts.reshape(classes, classes)


def per_class(labels: Labels, predicted: Labels, classes: Sequence[str]) -> list[ClassScore]:
    """Score each sign, in the order of `classes`; shapes of the first two are (n,)."""
    counts = confusion(labels, predicted, len(classes))
    table = zip(classes, np.diag(counts), counts.sum(axis=1), counts.sum(axis=0), strict=True)
    return [
        ClassScore(
            name=name,
            pictures=int(shown),
            precision=_share(right, answered),
            recall=_share(right, shown),
            f1=_share(2 * right, shown + answered),
        )
        for name, right, shown, answered in table
    ]


def _share(part: int, whole: int) -> float | None:
    return float(part / whole) if whole else None


def _macro_f1(counts: Labels) -> float:
    both = counts.sum(axis=0) + counts.sum(axis=1)
    met = both > 0
    return float((2 * np.diag(counts)[met] / both[met]).mean())


def _losses(labels: Labels, probabilities: Matrix) -> NDArray[np.float64]:
    of_truth = probabilities[np.arange(len(labels)), labels]
    return np.log(1 / np.maximum(of_truth, SMALLEST))
