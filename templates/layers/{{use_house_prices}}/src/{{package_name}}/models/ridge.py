"""Linear regression with a penalty: hard to beat on small tables, and quick on any."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import numpy as np
from pydantic import Field

from ..design import Design
from .base import Matrix, Model, ModelParams, Vector

if TYPE_CHECKING:
    from ..export_onnx import Graph


class RidgeParams(ModelParams):
    """Parameters of the penalty.

    `alphas`: penalties to choose from by the error on rows that are left out, one at a time;
    `max_rows`: of more rows, so many are drawn, which is plenty for one weight a column.
    """

    alphas: list[float] = Field(default=[1.0, 10.0, 30.0, 100.0, 300.0, 1000.0], min_length=1)
    max_rows: int = Field(default=100_000, ge=2)


class Ridge(Model):
    """Ridge regression (Hoerl and Kennard, 1970) on standardised columns."""

    name = "ridge"
    Params = RidgeParams

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the columns' scales, the penalty and the weights."""
        from sklearn.linear_model import RidgeCV

        if len(X) > self.params.max_rows:
            random = np.random.default_rng(self.seed)
            chosen = random.choice(len(X), self.params.max_rows, replace=False)
            X, y = X[chosen], y[chosen]
        self.design = Design(self.columns, standardise=True).fit(X)
        fitted = RidgeCV(alphas=self.params.alphas).fit(self.design.transform(X), y)
        self.weights = np.asarray(fitted.coef_, dtype=np.float64)
        self.intercept = float(fitted.intercept_)
        if advance:
            advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the weighted sum of the standardised columns."""
        return np.asarray(self.design.transform(X) @ self.weights + self.intercept)

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the standardisation and one product."""
        weights = graph.constant(self.weights.astype(np.float32)[:, None])
        product = graph.op("MatMul", self.design.to_onnx(graph, X), weights)
        return graph.op("Add", product, graph.number(self.intercept))
