"""Gradient boosting on binned values: fast on many rows."""

from typing import TYPE_CHECKING, Any

from .base import ModelParams
from .estimator import TreesModel

if TYPE_CHECKING:
    from optuna import Trial


class HistGradientBoostingParams(ModelParams):
    """As in scikit-learn; `iterations` is the number of trees."""

    iterations: int = 400
    learning_rate: float = 0.05
    max_leaf_nodes: int = 15
    min_samples_leaf: int = 10
    max_features: float = 0.3
    l2_regularization: float = 0.0


class HistGradientBoosting(TreesModel):
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

    def regressor(self) -> Any:
        """Return the boosting, with as many trees as were asked for."""
        from sklearn.ensemble import HistGradientBoostingRegressor

        options = self.params.model_dump()
        return HistGradientBoostingRegressor(
            max_iter=options.pop("iterations"),
            early_stopping=False,
            random_state=self.seed,
            **options,
        )
