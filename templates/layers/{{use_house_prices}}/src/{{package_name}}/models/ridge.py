"""Linear regression with a penalty: hard to beat on small tables, and quick on any."""

from typing import Any

from pydantic import Field

from .base import ModelParams
from .estimator import LinearModel


class RidgeParams(ModelParams):
    """Parameters of the penalty.

    `alphas`: penalties to choose from by the error on rows that are left out, one at a time;
    `max_rows`: of more rows, so many are drawn, which is plenty for one weight a column.
    """

    alphas: list[float] = Field(default=[1.0, 10.0, 30.0, 100.0, 300.0, 1000.0], min_length=1)
    max_rows: int = Field(default=100_000, ge=2)


class Ridge(LinearModel):
    """Ridge regression (Hoerl and Kennard, 1970) on standardised columns."""

    name = "ridge"
    Params = RidgeParams

    def regressor(self) -> Any:
        """Return a ridge regression that chooses its penalty."""
        from sklearn.linear_model import RidgeCV

        return RidgeCV(alphas=self.params.alphas)
