"""Linear regression without a penalty: what the penalty of the others is measured against."""

from typing import Any, Self

import numpy as np
from pydantic import Field

from .base import Matrix, ModelParams, Vector
from .estimator import LinearModel

# A direction with so little spread, relative to the largest, counts as none.
RANK_TOLERANCE = 1e-3


class LinearParams(ModelParams):
    """`max_rows`: of more rows, so many are drawn."""

    max_rows: int = Field(default=100_000, ge=2)


class Linear(LinearModel):
    """Ordinary least squares (Gauss, 1809); of columns that say the same, each gets a share."""

    name = "linear"
    Params = LinearParams

    def regressor(self) -> Any:
        """Return a linear regression."""
        return LeastSquares()


class LeastSquares:
    """The shortest weights with the least squared error, as a regressor of scikit-learn.

    scikit-learn's own solves in single precision here; where columns nearly say the same, that
    gives weights of thousands that cancel in training, and nowhere else.
    """

    def fit(self, X: Matrix, y: Vector) -> Self:
        """Solve in double precision."""
        from scipy.linalg import lstsq

        centre = X.mean(axis=0, dtype=np.float64)
        self.coef_ = np.asarray(lstsq(X - centre, y - y.mean(), cond=RANK_TOLERANCE)[0])
        self.intercept_ = float(y.mean() - centre @ self.coef_)
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the weighted sum."""
        return np.asarray(X @ self.coef_ + self.intercept_)
