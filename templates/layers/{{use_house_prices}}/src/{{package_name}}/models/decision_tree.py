"""One tree of questions: it can be read, and it is what forests and boosting are made of."""

from typing import TYPE_CHECKING, Any

from pydantic import Field

from .base import ModelParams
from .estimator import TreesModel

if TYPE_CHECKING:
    from optuna import Trial


class DecisionTreeParams(ModelParams):
    """`max_leaf_nodes` and `min_samples_leaf`, as in scikit-learn."""

    max_leaf_nodes: int = Field(default=100, ge=2)
    min_samples_leaf: int = Field(default=8, ge=1)


class DecisionTree(TreesModel):
    """A regression tree (Breiman, Friedman, Olshen and Stone, 1984)."""

    name = "decision_tree"
    Params = DecisionTreeParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 10, 500, log=True),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 2, 50, log=True),
        }

    def regressor(self) -> Any:
        """Return a tree."""
        from sklearn.tree import DecisionTreeRegressor

        return DecisionTreeRegressor(**self.params.model_dump(), random_state=self.seed)
