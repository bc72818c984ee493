"""What the models share that are regressors of scikit-learn, or of a library used alike."""

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ..design import Design
from .base import Matrix, Model, Vector

if TYPE_CHECKING:
    from ..export_onnx import Graph


class EstimatorModel(Model):
    """A regressor on the columns of a `Design`; a subclass says which, and how it is exported.

    A parameter `max_rows`, where a model has it, bounds the rows: of more, so many are drawn.
    """

    standardise: ClassVar[bool] = False

    @abstractmethod
    def regressor(self) -> Any:
        """Return it untrained, with `fit` and `predict`."""

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the columns, then the regressor on the distance of the target from its mean."""
        X, y = self.draw(X, y, getattr(self.params, "max_rows", len(X)))
        self.design = Design(self.columns, standardise=self.standardise).fit(X)
        self.mean = float(y.mean())
        self.learn_inputs(X, y)
        # Some libraries refuse a target that is constant.
        self.fitted: Any = (
            self.regressor().fit(self.inputs(X), y - self.mean) if np.ptp(y) > 0 else None
        )
        if advance:
            advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return what the regressor says of the design."""
        if self.fitted is None:
            return np.full(len(X), self.mean)
        return np.asarray(self.fitted.predict(self.inputs(X)), dtype=np.float64) + self.mean

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the design and the regressor."""
        inputs = self.inputs_to_onnx(graph, X)
        if self.fitted is None:
            first = graph.columns(inputs, np.array([0]))
            return graph.op(
                "Add", graph.op("Mul", first, graph.number(0.0)), graph.number(self.mean)
            )
        found = self.fitted_to_onnx(graph, inputs)
        return graph.op("Add", found, graph.number(self.mean))

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add the trained regressor; a model with an `obstacle` has none to add."""
        return super().to_onnx(graph, inputs)

    def learn_inputs(self, X: Matrix, y: Vector) -> None:
        """Learn more than the design does, where a model needs it."""

    def inputs(self, X: Matrix) -> Matrix:
        """Return what the regressor sees, shape (n, width)."""
        return self.design.transform(X)

    def inputs_to_onnx(self, graph: "Graph", X: str) -> str:
        """Add `inputs` to a graph; return the name of the result."""
        return self.design.to_onnx(graph, X)


class LinearModel(EstimatorModel):
    """A weighted sum of the standardised columns."""

    standardise = True

    def weights(self) -> NDArray[np.float64]:
        """Return the weight of each column, shape (width,)."""
        return np.asarray(self.fitted.coef_, dtype=np.float64)

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add one product."""
        weights = graph.constant(self.weights().astype(np.float32)[:, None])
        product = graph.op("MatMul", inputs, weights)
        return graph.op("Add", product, graph.number(float(self.fitted.intercept_)))


class TreesModel(EstimatorModel):
    """One tree of scikit-learn, or a sum of trees."""

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add the trees in double: a rounded threshold can move a row to the other side."""
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import DoubleTensorType

        width = len(self.design.origins)
        converted = to_onnx(self.fitted, initial_types=[("X", DoubleTensorType([None, width]))])
        return graph.trees(converted, inputs, double=True)
