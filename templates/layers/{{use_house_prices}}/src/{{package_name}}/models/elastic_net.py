"""Linear regression between ridge and lasso: it drops columns, and shares among those alike."""

from typing import Any

from pydantic import Field

from .base import ModelParams
from .estimator import LinearModel


class ElasticNetParams(ModelParams):
    """Parameters of the penalty.

    `l1_ratios`: shares of the lasso's penalty to try, each with `alphas` sizes in `folds`;
    `max_rows`: of more rows, so many are drawn.
    """

    l1_ratios: list[float] = Field(default=[0.1, 0.5, 0.9], min_length=1)
    alphas: int = Field(default=20, ge=1)
    folds: int = Field(default=5, ge=2)
    max_rows: int = Field(default=100_000, ge=2)


class ElasticNet(LinearModel):
    """The elastic net (Zou and Hastie, 2005) on standardised columns."""

    name = "elastic_net"
    Params = ElasticNetParams

    def regressor(self) -> Any:
        """Return an elastic net that chooses its penalty."""
        from sklearn.linear_model import ElasticNetCV
        from sklearn.model_selection import KFold

        folds = KFold(self.params.folds, shuffle=True, random_state=self.seed)
        return ElasticNetCV(
            l1_ratio=self.params.l1_ratios, alphas=self.params.alphas, cv=folds, max_iter=5_000
        )
