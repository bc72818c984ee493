"""Linear regression without a penalty: what the penalty of the others is measured against."""

from typing import Any

from pydantic import Field

from .base import ModelParams
from .estimator import LinearModel


class LinearParams(ModelParams):
    """`max_rows`: of more rows, so many are drawn."""

    max_rows: int = Field(default=100_000, ge=2)


class Linear(LinearModel):
    """Ordinary least squares (Gauss, 1809); of columns that say the same, each gets a share."""

    name = "linear"
    Params = LinearParams

    def regressor(self) -> Any:
        """Return a linear regression."""
        from sklearn.linear_model import LinearRegression

        return LinearRegression()
