"""Runs and models in MLflow: a local SQLite file, or the server that MLFLOW_TRACKING_URI names."""

import os

from .settings import Settings, read_dotenv
from .tracker import Tracker

LOCAL_STORE = "sqlite:///mlflow.db"
DEFAULTS = {
    # A server that is away must be noticed within seconds: MLflow's own defaults wait for minutes.
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # Nothing is sent to anybody who was not asked.
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


def open_tracker(settings: Settings, experiment: str) -> Tracker:
    """Connect to MLflow, whose `MLFLOW_…` variables may stand in the environment or in `.env`.

    Parameters
    ----------
    settings : Settings
        Says where `artifacts` stands; MLflow has variables of its own.
    experiment : str
        The name of the experiment and of the registered model.

    Raises
    ------
    UserError
        When the server does not answer or refuses.
    """
    for name, value in (DEFAULTS | read_dotenv()).items():
        if name.startswith("MLFLOW_") and value:
            os.environ.setdefault(name, value)

    # Imported only now: it takes seconds, and reads its variables at once.
    from .mlflow_tracker import MlflowTracker

    uri = os.environ.get("MLFLOW_TRACKING_URI") or LOCAL_STORE
    return MlflowTracker(uri, experiment, settings.artifacts_dir / ".runs")
