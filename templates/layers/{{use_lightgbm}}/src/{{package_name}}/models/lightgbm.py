"""Boosting that grows the leaf that helps most."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from .base import ModelParams
from .estimator import EstimatorModel

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph


class LightGBMParams(ModelParams):
    """As in LightGBM; `iterations` is the number of trees.

    `feature_fraction` is LightGBM's `feature_fraction_bynode`: the share of columns for each split.
    """

    iterations: int = 800
    learning_rate: float = 0.04
    num_leaves: int = 12
    min_child_samples: int = 8
    reg_lambda: float = 1.0
    subsample: float = 0.7
    feature_fraction: float = 0.2


class LightGBM(EstimatorModel):
    """LightGBM (Ke and others, 2017) on one-hot columns."""

    name = "lightgbm"
    Params = LightGBMParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "iterations": trial.suggest_int("iterations", 200, 2000, log=True),
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 4, 63, log=True),
            "min_child_samples": trial.suggest_int("min_child_samples", 3, 50, log=True),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 20.0, log=True),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "feature_fraction": trial.suggest_float("feature_fraction", 0.1, 1.0),
        }

    def regressor(self) -> Any:
        """Return the boosting, silent, on one thread, and the same for the same seed."""
        from lightgbm import LGBMRegressor

        options = self.params.model_dump()
        return LGBMRegressor(
            n_estimators=options.pop("iterations"),
            feature_fraction_bynode=options.pop("feature_fraction"),
            subsample_freq=1,
            deterministic=True,
            force_row_wise=True,
            n_jobs=1,
            random_state=self.seed,
            verbosity=-1,
            **options,
        )

    def fitted_to_onnx(self, graph: "Graph", inputs: str) -> str:
        """Add the trees."""
        booster = self.fitted.booster_
        table = booster.trees_to_dataframe()
        row = {name: place for place, name in enumerate(table["node_index"])}
        column = {name: place for place, name in enumerate(booster.feature_name())}
        nodes = pd.DataFrame(
            {
                "tree": table["tree_index"],
                "column": table["split_feature"].map(column).fillna(0).astype(int),
                "threshold": table["threshold"].astype(float).fillna(0),
                "yes": table["left_child"].map(row).fillna(-1).astype(int),
                "no": table["right_child"].map(row).fillna(-1).astype(int),
                "value": table["value"],
            }
        )
        return graph.tree_table(inputs, nodes, mode="BRANCH_LEQ")
