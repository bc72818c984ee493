"""How much each column matters, found by a short boosting; the kernel weighs its columns by it."""

import numpy as np

from .base import Matrix, Vector
from .catboost import new_regressor


def column_importance(
    inputs: Matrix, y: Vector, trust: Vector, *, seed: int, iterations: int
) -> Vector:
    """Return CatBoost's importance of each column, shape (d,), none negative.

    Parameters
    ----------
    inputs : ndarray of float32, shape (n, d)
        The columns, without gaps.
    y, trust : ndarray of float64, shape (n,)
        The target, which is not constant, and how much each row counts.
    seed : int
        Of the boosting.
    iterations : int
        The number of its trees.
    """
    boosting = new_regressor(
        seed=seed, iterations=iterations, learning_rate=0.1, depth=5, feature_fraction=1.0
    )
    boosting.fit(inputs, y, sample_weight=trust)
    return np.asarray(boosting.get_feature_importance(thread_count=1), dtype=np.float64)
