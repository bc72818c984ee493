"""Support vector regression: errors below a limit cost nothing, so few rows decide."""

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from .base import ModelParams
from .estimator import EstimatorModel

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph


class SVRParams(ModelParams):
    """Parameters of the machine.

    `penalty`: what a larger error costs; `epsilon`: the error that costs nothing, as a share of the
    target's standard deviation; `gamma`: how fast likeness fades, relative to the number of
    columns; `max_rows`: of more rows, so many are drawn, for the time grows with their square.
    """

    penalty: float = Field(default=3.0, gt=0)
    epsilon: float = Field(default=0.1, gt=0)
    gamma: float = Field(default=0.3, gt=0)
    max_rows: int = Field(default=5_000, ge=2)


class SVR(EstimatorModel):
    """Support vector regression with a Gaussian kernel (Drucker and others, 1996)."""

    name = "svr"
    Params = SVRParams
    standardise = True

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "penalty": trial.suggest_float("penalty", 0.1, 30.0, log=True),
            "epsilon": trial.suggest_float("epsilon", 0.01, 0.5, log=True),
            "gamma": trial.suggest_float("gamma", 0.03, 3.0, log=True),
        }

    def regressor(self) -> Any:
        """Return the machine, on a target of standard deviation 1."""
        from sklearn import svm
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler

        machine = svm.SVR(
            C=self.params.penalty,
            epsilon=self.params.epsilon,
            gamma=self.params.gamma / len(self.design.origins),
        )
        return TransformedTargetRegressor(machine, transformer=StandardScaler())

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add the kernel to all support vectors in double: many large terms nearly cancel."""
        machine, scaler = self.fitted.regressor_, self.fitted.transformer_
        vectors = np.asarray(machine.support_vectors_, dtype=np.float64)
        rows = graph.cast(inputs, np.float64)
        # The squared distance by the binomial theorem: one product instead of all differences.
        own = graph.op("ReduceSumSquare", rows, graph.constant(np.array([1])), keepdims=1)
        product = graph.op("MatMul", rows, graph.constant(-2 * vectors.T))
        distance = graph.op("Sum", own, product, graph.constant((vectors**2).sum(axis=1)))
        gamma = graph.constant(np.array([-machine.gamma]))
        likeness = graph.op("Exp", graph.op("Mul", distance, gamma))
        spread = float(scaler.scale_[0])
        weighted = graph.op("MatMul", likeness, graph.constant(machine.dual_coef_.T * spread))
        offset = float(machine.intercept_[0] * spread + scaler.mean_[0])
        return graph.op("Add", graph.cast(weighted, np.float32), graph.number(offset))
