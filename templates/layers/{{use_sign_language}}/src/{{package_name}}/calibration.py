"""Probabilities that mean what they say; numpy alone, because the service needs them too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Outside of these a probability is as good as one sign's alone, or as no answer at all.
COLDEST, HOTTEST = 0.01, 100.0
# Each step of the search leaves 0.618 of the range: 40 leave less than a millionth of it.
SEARCH_STEPS = 40
BINS = 10

Matrix = NDArray[np.float64]
Labels = NDArray[np.intp]


@dataclass(frozen=True)
class Bin:
    """The pictures that were answered about equally surely.

    `confidence` is the mean probability of the answers, `accuracy` the share that is right.
    """

    confidence: float
    accuracy: float
    pictures: int


def softmax(logits: NDArray[np.floating], temperature: float = 1.0) -> Matrix:
    """Turn scores into probabilities.

    Parameters
    ----------
    logits : ndarray of float, shape (n, k)
        A score of each picture for each sign, from minus to plus infinity.
    temperature : float
        Above 1 it makes all answers less sure, below 1 surer; it never changes their order.

    Returns
    -------
    ndarray of float64, shape (n, k)
        Each row is positive or zero, and sums to 1.
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def fit_temperature(logits: NDArray[np.floating], labels: Labels) -> float:
    """Find the temperature at which the probabilities fit pictures that training never saw.

    It minimises the log loss (Guo et al., *On Calibration of Modern Neural Networks*, ICML 2017),
    which has a single valley. One more picture counts, whose sign is anybody's guess: without it
    a network that is right on all of the pictures would be called sure beyond all bounds.

    Parameters
    ----------
    logits : ndarray of float, shape (n, k)
        Of held-out pictures that are not those of the test.
    labels : ndarray of intp, shape (n,)
        Their signs, 0 to k - 1.
    """
    pictures = len(labels)
    centred = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    of_truth = centred[np.arange(pictures), labels].mean()
    wanted = (pictures * of_truth + centred.mean()) / (pictures + 1)

    def loss(log_temperature: float) -> float:
        cold = np.exp(-log_temperature)
        return float(np.log(np.exp(cold * centred).sum(axis=1)).mean() - cold * wanted)

    # Golden-section search (Kiefer, 1953): the better of two inner points bounds the valley.
    share = (np.sqrt(5) - 1) / 2
    low, high = np.log(COLDEST), np.log(HOTTEST)
    left, right = high - share * (high - low), low + share * (high - low)
    loss_left, loss_right = loss(left), loss(right)
    for _ in range(SEARCH_STEPS):
        if loss_left <= loss_right:
            high, right, loss_right = right, left, loss_left
            left = high - share * (high - low)
            loss_left = loss(left)
        else:
            low, left, loss_left = left, right, loss_right
            right = low + share * (high - low)
            loss_right = loss(right)
    return float(np.exp((low + high) / 2))


def reliability(labels: Labels, probabilities: Matrix, bins: int = BINS) -> list[Bin]:
    """Sort the answers into bins of equal width by their confidence; empty bins are left out.

    Parameters
    ----------
    labels : ndarray of intp, shape (n,)
        The true signs.
    probabilities : ndarray of float64, shape (n, k)
        Of each sign; the likeliest one is the answer.
    bins : int
        How many parts 0 to 1 is cut into; an answer on an edge belongs to the lower part.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.searchsorted(np.linspace(0, 1, bins + 1)[1:-1], confidence)
    return [
        Bin(
            confidence=float(confidence[place == part].mean()),
            accuracy=float(right[place == part].mean()),
            pictures=int((place == part).sum()),
        )
        for part in np.unique(place)
    ]


def expected_calibration_error(labels: Labels, probabilities: Matrix, bins: int = BINS) -> float:
    """Return how far confidence is from accuracy, 0 to 1, as a mean over the pictures (ECE).

    Naeini, Cooper and Hauskrecht, *Obtaining Well Calibrated Probabilities Using Bayesian Binning*,
    AAAI 2015. Chance alone keeps it above 0 where pictures are few.
    """
    parts = reliability(labels, probabilities, bins)
    gaps = [part.pictures * abs(part.confidence - part.accuracy) for part in parts]
    return float(sum(gaps) / len(labels))
