"""The baseline: every house costs the same."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import numpy as np

from .base import Matrix, Model, Vector

if TYPE_CHECKING:
    from ..export_onnx import Graph


class Mean(Model):
    """Predicts the mean of the training target; a model that is no better has learned nothing."""

    name = "mean"

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the mean."""
        self.mean = float(y.mean())
        if advance:
            advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the mean for each row."""
        return np.full(len(X), self.mean)

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add zero times the first column, so that there is one prediction for each row."""
        first = graph.columns(X, np.array([0]))
        known = graph.op("Where", graph.op("IsNaN", first), graph.number(0.0), first)
        return graph.op("Add", graph.op("Mul", known, graph.number(0.0)), graph.number(self.mean))
