"""Linear regression that also sees the squares and products of the strongest numbers."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from .base import Matrix, ModelParams, Vector
from .estimator import LinearModel

if TYPE_CHECKING:
    from ..export_onnx import Graph


class PolynomialParams(ModelParams):
    """Parameters of the products and of the penalty.

    `strongest`: so many numbers are multiplied, those that go with the target most; `alphas`:
    penalties to choose from; `max_rows`: of more rows, so many are drawn.
    """

    strongest: int = Field(default=12, ge=1)
    alphas: list[float] = Field(default=[1.0, 10.0, 30.0, 100.0, 300.0, 1000.0], min_length=1)
    max_rows: int = Field(default=100_000, ge=2)


class Polynomial(LinearModel):
    """Ridge regression on the standardised columns and on products of degree two.

    With all numbers there would be thousands of products, and more weights than rows.
    """

    name = "polynomial"
    Params = PolynomialParams

    def regressor(self) -> Any:
        """Return a ridge regression that chooses its penalty."""
        from sklearn.linear_model import RidgeCV

        return RidgeCV(alphas=self.params.alphas)

    def learn_inputs(self, X: Matrix, y: Vector) -> None:
        """Find the strongest numbers, and the scale of each product."""
        numbers = self.design.numbers(X)
        # The numbers are standardised, so this orders them by correlation.
        strength = np.abs((y - self.mean) @ numbers)
        chosen = np.argsort(-strength, kind="stable")[: self.params.strongest]
        first, second = np.triu_indices(len(chosen))
        self._first, self._second = chosen[first], chosen[second]
        products = numbers[:, self._first] * numbers[:, self._second]
        spread = products.std(axis=0)
        self._factor = (1 / np.where(spread > 0, spread, 1)).astype(np.float32)

    def inputs(self, X: Matrix) -> Matrix:
        """Return the design and the scaled products side by side."""
        inputs = self.design.transform(X)
        products = inputs[:, self._first] * inputs[:, self._second] * self._factor
        return np.hstack([inputs, products])

    def inputs_to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the design and the scaled products."""
        inputs = self.design.to_onnx(graph, X)
        if not len(self._first):
            return inputs
        products = graph.op(
            "Mul", graph.columns(inputs, self._first), graph.columns(inputs, self._second)
        )
        scaled = graph.op("Mul", products, graph.constant(self._factor))
        return graph.beside([inputs, scaled])
