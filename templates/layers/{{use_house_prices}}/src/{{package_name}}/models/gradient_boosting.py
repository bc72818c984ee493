"""Gradient boosting as it was first written down: exact, and slow on many rows."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from .base import ModelParams
from .estimator import TreesModel

if TYPE_CHECKING:
    from optuna import Trial


class GradientBoostingParams(ModelParams):
    """As in scikit-learn; `max_rows`: of more rows, so many are drawn."""

    trees: int = Field(default=400, ge=1)
    learning_rate: float = Field(default=0.05, gt=0)
    depth: int = Field(default=4, ge=1)
    subsample: float = Field(default=0.7, gt=0, le=1)
    max_features: float = Field(default=0.2, gt=0, le=1)
    max_rows: int = Field(default=50_000, ge=2)


class GradientBoosting(TreesModel):
    """Stochastic gradient boosting (Friedman, 2001 and 2002)."""

    name = "gradient_boosting"
    Params = GradientBoostingParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "trees": trial.suggest_int("trees", 100, 1000, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "depth": trial.suggest_int("depth", 2, 7),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "max_features": trial.suggest_float("max_features", 0.1, 1.0),
        }

    def regressor(self) -> Any:
        """Return the boosting."""
        from sklearn.ensemble import GradientBoostingRegressor

        return GradientBoostingRegressor(
            n_estimators=self.params.trees,
            learning_rate=self.params.learning_rate,
            max_depth=self.params.depth,
            subsample=self.params.subsample,
            max_features=self.params.max_features,
            random_state=self.seed,
        )
