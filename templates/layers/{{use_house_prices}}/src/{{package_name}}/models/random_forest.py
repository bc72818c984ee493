"""Many deep trees, each on rows drawn anew, averaged."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from .base import ModelParams
from .estimator import TreesModel

if TYPE_CHECKING:
    from optuna import Trial


class RandomForestParams(ModelParams):
    """As in scikit-learn; `max_leaf_nodes` bounds the size of the exported graph."""

    trees: int = Field(default=200, ge=1)
    max_leaf_nodes: int = Field(default=400, ge=2)
    min_samples_leaf: int = Field(default=2, ge=1)
    max_features: float = Field(default=0.3, gt=0, le=1)


class RandomForest(TreesModel):
    """A random forest (Breiman, 2001)."""

    name = "random_forest"
    Params = RandomForestParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 50, 800, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 10),
            "max_features": trial.suggest_float("max_features", 0.1, 1.0),
        }

    def regressor(self) -> Any:
        """Return a forest."""
        from sklearn.ensemble import RandomForestRegressor

        options = self.params.model_dump()
        return RandomForestRegressor(
            n_estimators=options.pop("trees"), n_jobs=1, random_state=self.seed, **options
        )
