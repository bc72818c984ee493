"""What two simple models reach, which a network must beat to be worth its trouble."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import metrics
from .calibration import Labels, Matrix, fit_temperature, softmax

# Pixels of the square that the baselines see: enough for the shape of a hand.
SIDE = 16
# The logistic regression learns slowly from many pictures, and hardly better from more than these.
MAX_PICTURES = 10_000
# How little its weights are held back (scikit-learn's `C`).
FREEDOM = 0.05
TOLERANCE = 1e-3
MAX_ITERATIONS = 500
# One in so many training pictures tells which baseline is better, and how sure it may be.
HELD_BACK = 5

Pictures = NDArray[np.uint8]
Features = NDArray[np.float64]
Model = Callable[[Features], Matrix]


@dataclass(frozen=True)
class Baselines:
    """The fitted baselines.

    Attributes
    ----------
    name : str
        The better one, by log loss on training pictures that were held back from it: where these
        are few, it tells the two apart when accuracy is still chance.
    models : Mapping[str, Model]
        By name, from features, shape (n, 256), to logits, shape (n, k).
    temperatures : Mapping[str, float]
        By name, of the softmax over these logits.
    """

    name: str
    models: Mapping[str, Model]
    temperatures: Mapping[str, float]

    def probabilities(self, pictures: Pictures) -> Matrix:
        """Return what the better one makes of pictures, shape (n, c, s, s), as shape (n, k)."""
        return self.all_probabilities(pictures)[self.name]

    def all_probabilities(self, pictures: Pictures) -> dict[str, Matrix]:
        """Return what each makes of pictures, by name."""
        seen = features(pictures)
        return {
            name: softmax(model(seen), self.temperatures[name])
            for name, model in self.models.items()
        }


def fit_baselines(pictures: Pictures, labels: Labels, classes: int, seed: int) -> Baselines:
    """Fit both baselines on pictures that are made small, grey and standardised.

    `nearest_centroid` knows the mean picture of each sign, and scores by the squared distance to
    it; `logistic_regression` weighs each pixel for each sign.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, c, s, s)
        To learn from; of more than 10,000 a random sample.
    labels : ndarray of intp, shape (n,)
        Their signs, 0 to `classes` - 1; there are two signs at least.
    classes : int
        How many signs there are; one without a picture is never the answer.
    seed : int
        Of the sample, and of what is held back.
    """
    rows = np.random.default_rng(seed).permutation(len(labels))[:MAX_PICTURES]
    # Sorted by sign, every fifth picture is a fifth of each sign.
    rows = rows[np.argsort(labels[rows], kind="stable")]
    X, y = features(pictures[rows]), labels[rows]
    held_back = np.arange(len(rows)) % HELD_BACK == HELD_BACK - 1
    temperatures, losses = {}, {}
    for name, model in _fit(X[~held_back], y[~held_back], classes).items():
        logits = model(X[held_back])
        temperatures[name] = fit_temperature(logits, y[held_back])
        found = softmax(logits, temperatures[name])
        losses[name] = metrics.score(y[held_back], found)["log_loss"]
    better = min(losses, key=lambda name: losses[name])
    return Baselines(better, _fit(X, y, classes), temperatures)


def features(pictures: Pictures) -> Features:
    """Make pictures of shape (n, c, s, s) small, grey and standardised; shape (n, 256).

    A small pixel is the mean of the area that it covers, of all channels. Each picture then has
    mean 0 and standard deviation 1, so that light and contrast say nothing; a flat one is all 0.
    """
    size = pictures.shape[-1]
    # Row i holds the share of small pixel i that lies on each pixel: the overlap of two intervals.
    edges = np.arange(SIDE + 1) * size / SIDE
    pixel = np.arange(size)
    overlap = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    weights = np.maximum(overlap, 0) * SIDE / size
    small = np.array([weights @ picture.mean(axis=0) @ weights.T for picture in pictures])
    flat = small.reshape(len(pictures), SIDE * SIDE)
    centred = flat - flat.mean(axis=1, keepdims=True)
    # Less spread than one level of grey is noise, not a picture.
    return np.asarray(centred / np.maximum(centred.std(axis=1, keepdims=True), 1.0))


def _fit(X: Features, y: Labels, classes: int) -> dict[str, Model]:
    from sklearn.linear_model import LogisticRegression

    met = np.unique(y)
    centroids = np.array([X[y == label].mean(axis=0) for label in met])
    regression = LogisticRegression(C=FREEDOM, tol=TOLERANCE, max_iter=MAX_ITERATIONS).fit(X, y)

    def nearest_centroid(seen: Features) -> Matrix:
        # The square of the picture itself is the same for each sign and moves no probability.
        return _among_all(2 * seen @ centroids.T - (centroids**2).sum(axis=1), met, classes)

    def logistic_regression(seen: Features) -> Matrix:
        return _among_all(regression.predict_log_proba(seen), met, classes)

    return {"nearest_centroid": nearest_centroid, "logistic_regression": logistic_regression}


def _among_all(logits: Matrix, met: Labels, classes: int) -> Matrix:
    """Put the columns of the signs that were met in their places; the others never win."""
    complete = np.full((len(logits), classes), logits.min() - 100)
    complete[:, met] = logits
    return complete
