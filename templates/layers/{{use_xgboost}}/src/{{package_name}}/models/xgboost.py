"""Boosting with second derivatives and a penalty on the leaves."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .base import ModelParams
from .estimator import EstimatorModel

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph


class XGBoostParams(ModelParams):
    """As in XGBoost; `iterations` is the number of trees.

    `feature_fraction` is XGBoost's `colsample_bynode`: the share of columns for each split.
    """

    iterations: int = 800
    learning_rate: float = 0.04
    depth: int = 4
    min_child_weight: float = 2.0
    reg_lambda: float = 2.0
    subsample: float = 0.7
    feature_fraction: float = 0.2


class XGBoost(EstimatorModel):
    """XGBoost (Chen and Guestrin, 2016) on one-hot columns."""

    name = "xgboost"
    Params = XGBoostParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "iterations": trial.suggest_int("iterations", 200, 2000, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "depth": trial.suggest_int("depth", 2, 8),
            "min_child_weight": trial.suggest_float("min_child_weight", 0.5, 20.0, log=True),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 20.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        }

    def regressor(self) -> Any:
        """Return the boosting, silent and on one thread."""
        from xgboost import XGBRegressor

        options = self.params.model_dump()
        return XGBRegressor(
            n_estimators=options.pop("iterations"),
            max_depth=options.pop("depth"),
            colsample_bynode=options.pop("feature_fraction"),
            base_score=0.0,
            n_jobs=1,
            random_state=self.seed,
            verbosity=0,
            **options,
        )

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add the trees, which compare in single precision as ONNX does."""
        table = self.fitted.get_booster().trees_to_dataframe()
        leaf = table["Feature"] == "Leaf"
        row = {name: place for place, name in enumerate(table["ID"])}
        nodes = pd.DataFrame(
            {
                "tree": table["Tree"],
                "column": table["Feature"].where(~leaf, "f0").str[1:].astype(int),
                # The table's decimals are those of single precision: back to exactly that.
                "threshold": table["Split"].fillna(0).astype(np.float32),
                "yes": table["Yes"].map(row).fillna(-1).astype(int),
                "no": table["No"].map(row).fillna(-1).astype(int),
                "value": table["Gain"],
            }
        )
        return graph.tree_table(inputs, nodes, mode="BRANCH_LT")
