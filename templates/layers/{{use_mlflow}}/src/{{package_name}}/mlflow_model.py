"""The model as MLflow serves it; MLflow runs this file itself, so no Python object is pickled.

It loads the file alone, outside of the package: `mlflow_tracker` writes down the name to import by.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext


class ServedModel(PythonModel):
    """Answers raw records, the same that the service takes."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the predictor from the logged artefact."""
        package = context.model_config["package"]
        self.outputs: list[str] = context.model_config["outputs"]
        predictor = import_module(f"{package}.predictor").Predictor
        self.predictor = predictor.load(Path(context.artifacts["artifact"]))

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Predict a row of answers for each row of fields; a missing value counts as not given."""
        requests = [
            self.predictor.request_model.model_validate(
                {str(name): value for name, value in row.items() if not pd.isna(value)}
            )
            for row in model_input.to_dict(orient="records")
        ]
        answers = self.predictor.predict(requests)
        return pd.DataFrame(
            [{name: getattr(answer, name) for name in self.outputs} for answer in answers],
            columns=self.outputs,
        )


set_model(ServedModel())
