"""Boosting with symmetric trees, which seldom overfits a small table."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..design import Design
from .base import Matrix, Model, ModelParams, Vector

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph


class CatBoostParams(ModelParams):
    """As in CatBoost; `bags` models with different seeds are averaged.

    `feature_fraction` is CatBoost's `rsm`: the share of columns that each level of a tree may use.
    """

    iterations: int = 1000
    learning_rate: float = 0.04
    depth: int = 6
    l2_leaf_reg: float = 3.0
    feature_fraction: float = 0.3
    bags: int = 1


class CatBoost(Model):
    """CatBoost (Prokhorenkova and others, 2018) on one-hot columns.

    Its own treatment of categories took ten times as long here and was no better; one-hot columns
    also leave nothing that ONNX could not express.
    """

    name = "catboost"
    Params = CatBoostParams

    @property
    def steps(self) -> int:
        """One for each bag."""
        return int(self.params.bags)

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "iterations": trial.suggest_int("iterations", 200, 2000, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "depth": trial.suggest_int("depth", 3, 8),
            "l2_leaf_reg": trial.suggest_float("l2_leaf_reg", 0.5, 20.0, log=True),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        }

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the one-hot columns and the trees."""
        options = self.params.model_dump()
        bags = options.pop("bags")
        self.design = Design(self.columns).fit(X)
        inputs = self.design.transform(X)
        # CatBoost refuses a target that is constant, as it is in a tiny fold of a test.
        self.mean = float(y.mean())
        self.regressors: list[Any] = []
        if np.ptp(y) == 0:
            return self
        for bag in range(bags):
            regressor = new_regressor(seed=self.seed + bag, **options)
            self.regressors.append(regressor.fit(inputs, y - self.mean))
            if advance:
                advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the mean over the bags."""
        if not self.regressors:
            return np.full(len(X), self.mean)
        inputs = self.design.transform(X)
        total = np.sum([r.predict(inputs) for r in self.regressors], axis=0)
        return np.asarray(total / len(self.regressors) + self.mean)

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the trees of each bag, and their mean."""
        inputs = self.design.to_onnx(graph, X)
        total = graph.number(0.0)
        for regressor in self.regressors:
            total = graph.op("Add", graph.trees(onnx_of(regressor), inputs), total)
        return graph.op(
            "Add",
            graph.op("Mul", total, graph.number(1 / max(1, len(self.regressors)))),
            graph.number(self.mean),
        )

    def contributions(self, X: Matrix) -> Vector | None:
        """Return CatBoost's exact SHAP values, those of a category's one-hot columns summed."""
        from catboost import Pool

        inputs = Pool(self.design.transform(X), thread_count=1)
        totals = np.zeros((len(X), len(self.columns)))
        for regressor in self.regressors:
            values = regressor.get_feature_importance(
                data=inputs, type="ShapValues", thread_count=1
            )
            np.add.at(totals.T, self.design.origins, values[:, :-1].T / len(self.regressors))
        return totals


def new_regressor(
    *,
    seed: int,
    iterations: int,
    learning_rate: float,
    depth: int,
    feature_fraction: float,
    l2_leaf_reg: float = 3.0,
) -> Any:
    """Return an untrained CatBoost regressor that is silent, on one thread, and leaves no files."""
    from catboost import CatBoostRegressor

    return CatBoostRegressor(
        iterations=iterations,
        learning_rate=learning_rate,
        depth=depth,
        l2_leaf_reg=l2_leaf_reg,
        rsm=feature_fraction,
        random_seed=seed,
        thread_count=1,
        allow_writing_files=False,
        verbose=False,
    )


def onnx_of(regressor: Any) -> Any:
    """Return CatBoost's own conversion of a trained regressor (an onnx.ModelProto)."""
    import onnx

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        regressor.save_model(str(path), format="onnx")
        return onnx.load(path)
