"""A model that also sees learned features; it learns them from the rows that it is trained on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from ..features import LearnedFeatures
from ..schema import Column
from .base import Matrix, Model, Vector

if TYPE_CHECKING:
    from ..export_onnx import Graph


class WithFeatures(Model):
    """Learns features, then a model on the columns and the features.

    Parameters
    ----------
    inner : Model
        Made for the columns that `features` gives.
    features : LearnedFeatures
        Not trained yet.
    columns : Sequence[Column]
        What the d columns of the encoded matrix mean.
    """

    def __init__(self, inner: Model, features: LearnedFeatures, columns: Sequence[Column]) -> None:
        super().__init__(inner.params, columns, seed=inner.seed, tables=inner.tables)
        self.inner = inner
        self.features = features

    @property
    def obstacle(self) -> str:
        """That of the model."""
        return self.inner.obstacle

    @property
    def steps(self) -> int:
        """Those of the model."""
        return self.inner.steps

    def describe(self) -> str:
        """Add that there are learned features."""
        extra = len(self.features.columns) - len(self.columns)
        return f"{self.inner.describe()} It also sees {extra} learned features."

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the features, then the model."""
        self.inner.fit(self.features.fit(X).transform(X), y, advance)
        self.sampled = self.inner.sampled
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the predictions of the model."""
        return self.inner.predict(self.features.transform(X))

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the features and the model."""
        return self.inner.to_onnx(graph, self.features.to_onnx(graph, X))

    def contributions(self, X: Matrix) -> Vector | None:
        """Return those of the model; a feature's are shared among the columns that it is from."""
        found = self.inner.contributions(self.features.transform(X))
        if found is None:
            return None
        width = X.shape[1]
        return found[:, :width] + found[:, width:] @ self.features.shares
