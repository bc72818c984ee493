"""Trees in a row, each on the rows that those before it got wrong."""

from typing import Any

from pydantic import Field

from .base import ModelParams
from .estimator import EstimatorModel


class AdaBoostParams(ModelParams):
    """`trees` of at most `depth`; `learning_rate`: how far each one counts."""

    trees: int = Field(default=100, ge=1)
    depth: int = Field(default=6, ge=1)
    learning_rate: float = Field(default=1.0, gt=0)


class AdaBoost(EstimatorModel):
    """AdaBoost.R2 (Drucker, *Improving regressors using boosting techniques*, 1997)."""

    name = "ada_boost"
    Params = AdaBoostParams

    @property
    def obstacle(self) -> str:
        """Say what ONNX lacks."""
        return (
            "ada_boost cannot be exported: it answers with the weighted median of its trees, and "
            "ONNX's operator for trees knows sums alone."
        )

    def regressor(self) -> Any:
        """Return trees in a row."""
        from sklearn.ensemble import AdaBoostRegressor
        from sklearn.tree import DecisionTreeRegressor

        return AdaBoostRegressor(
            DecisionTreeRegressor(max_depth=self.params.depth),
            n_estimators=self.params.trees,
            learning_rate=self.params.learning_rate,
            random_state=self.seed,
        )
