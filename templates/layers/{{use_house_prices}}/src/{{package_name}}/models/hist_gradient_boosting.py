"""Gradient boosting on binned values: fast on many rows."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..design import Design
from .base import Matrix, Model, ModelParams, Vector

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph


class HistGradientBoostingParams(ModelParams):
    """As in scikit-learn; `iterations` is the number of trees."""

    iterations: int = 400
    learning_rate: float = 0.05
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 10
    max_features: float = 0.3
    l2_regularization: float = 0.0


class HistGradientBoosting(Model):
    """scikit-learn's histogram-based gradient boosting (after LightGBM, Ke and others, 2017)."""

    name = "hist_gradient_boosting"
    Params = HistGradientBoostingParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "iterations": trial.suggest_int("iterations", 100, 1500, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 4, 63, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 3, 50, log=True),
            "max_features": trial.suggest_float("max_features", 0.1, 1.0),
            "l2_regularization": trial.suggest_float("l2_regularization", 1e-3, 10.0, log=True),
        }

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the one-hot columns and the trees."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        self.design = Design(self.columns).fit(X)
        options = self.params.model_dump()
        self.regressor = HistGradientBoostingRegressor(
            max_iter=options.pop("iterations"),
            early_stopping=False,
            random_state=self.seed,
            **options,
        ).fit(self.design.transform(X), y)
        if advance:
            advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the sum over the trees."""
        return np.asarray(self.regressor.predict(self.design.transform(X)))

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the trees in double: a rounded threshold can move a row to the other side."""
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import DoubleTensorType

        converted = to_onnx(
            self.regressor,
            initial_types=[("X", DoubleTensorType([None, len(self.design.origins)]))],
        )
        return graph.trees(converted, self.design.to_onnx(graph, X), double=True)
