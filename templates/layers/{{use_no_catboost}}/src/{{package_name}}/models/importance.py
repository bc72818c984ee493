"""How much each column matters, found by a short boosting; the kernel weighs its columns by it."""

import numpy as np

from .base import Matrix, Vector


def column_importance(
    inputs: Matrix, y: Vector, trust: Vector, *, seed: int, iterations: int
) -> Vector:
    """Return scikit-learn's importance of each column, shape (d,), none negative.

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
    from sklearn.ensemble import GradientBoostingRegressor

    boosting = GradientBoostingRegressor(
        n_estimators=iterations,
        learning_rate=0.1,
        max_depth=5,
        min_samples_leaf=5,
        max_features=0.2,
        subsample=0.7,
        random_state=seed,
    )
    boosting.fit(inputs, y, sample_weight=trust)
    return np.asarray(boosting.feature_importances_, dtype=np.float64)
