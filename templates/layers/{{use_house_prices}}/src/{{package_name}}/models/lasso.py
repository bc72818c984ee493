"""Linear regression with a penalty that leaves most columns out."""

from typing import Any

from pydantic import Field

from .base import ModelParams
from .estimator import LinearModel


class LassoParams(ModelParams):
    """`alphas`: how many penalties to try, in `folds`; `max_rows`: of more rows, so many."""

    alphas: int = Field(default=30, ge=1)
    folds: int = Field(default=5, ge=2)
    max_rows: int = Field(default=100_000, ge=2)


class Lasso(LinearModel):
    """The lasso (Tibshirani, 1996) on standardised columns."""

    name = "lasso"
    Params = LassoParams

    def regressor(self) -> Any:
        """Return a lasso that chooses its penalty."""
        from sklearn.linear_model import LassoCV
        from sklearn.model_selection import KFold

        folds = KFold(self.params.folds, shuffle=True, random_state=self.seed)
        return LassoCV(alphas=self.params.alphas, cv=folds, max_iter=5_000)
