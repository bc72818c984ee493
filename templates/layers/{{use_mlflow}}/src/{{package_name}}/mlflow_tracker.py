"""The tracker that writes to MLflow. Importing this module imports MLflow, which takes seconds."""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from importlib import metadata
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import RunStatus
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from urllib3.exceptions import HTTPError

from .artifact import Artifact, DataFacts, FieldSpec
from .errors import UserError
from .lock import claim
from .tracker import flatten

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Warns that an environment made by uv holds no pip.
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)

ALIAS = "champion"
ARTIFACT_ID = "artifact_id"
# The tag by which a run that was killed is told from one that goes on.
PROCESS = "process"
PACKAGE = Path(__file__).parent
# What a predictor may import; those that are installed are written down with their versions.
RUNTIME = (
    "mlflow",
    "numpy",
    "onnxruntime",
    "pandas",
    "pydantic",
    "pydantic-settings",
    "tokenizers",
)
# MLflow's limits, in characters.
MAX_DIGEST, MAX_DESCRIPTION = 36, 5000


class MlflowTracker:
    """Writes to one experiment and to the registered model of the same name.

    Parameters
    ----------
    uri : str
        A server (`http://…`), a database (`sqlite:///…`), or whatever else MLflow knows.
    experiment : str
        Made where it is missing.
    folder : Path
        Where a lock tells which processes of this project still live; runs of dead ones, which
        MLflow would show as running for good, are marked as killed.

    Raises
    ------
    UserError
        When the server does not answer or refuses.
    """

    def __init__(self, uri: str, experiment: str, folder: Path) -> None:
        self._uri = uri
        self._name = experiment
        with self._asking("open the experiment"):
            mlflow.set_tracking_uri(uri)
            self._experiment_id = mlflow.set_experiment(experiment).experiment_id
            self._client = mlflow.MlflowClient()
        # One folder for each store, since a run is known to its own alone.
        store = hashlib.sha256(uri.encode()).hexdigest()[:12]
        own = claim(folder / store, self._mark_killed)
        self._own_tags = {PROCESS: own.name} if own else {}

    @contextmanager
    def run(
        self, name: str, *, nested: bool = False, tags: Mapping[str, str] | None = None
    ) -> Iterator[None]:
        """Open a run until the block ends; an exception inside marks it as failed and goes on."""
        with self._asking("open a run"):
            mlflow.start_run(
                experiment_id=self._experiment_id,
                run_name=name,
                nested=nested,
                tags=dict(tags or {}) | self._own_tags,
            )
        try:
            yield
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt)
            status = RunStatus.KILLED if stopped else RunStatus.FAILED
            # What went wrong inside matters more than a server that is away as well.
            with suppress(UserError), self._asking("close the run"):
                mlflow.end_run(RunStatus.to_string(status))
            raise
        with self._asking("close the run"):
            mlflow.end_run()

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record parameters; nested ones are named with dots, and long values are cut."""
        with self._asking("record the parameters"):
            mlflow.log_params(flatten(params))

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Record metrics in one request; one by one they cost 26 ms each over HTTP."""
        with self._asking("record the metrics"):
            mlflow.log_metrics(dict(metrics), step=step)

    def log_figure(self, figure: "Figure", name: str) -> None:
        """Keep a figure as `figures/<name>.png`."""
        with self._asking("keep a figure"):
            mlflow.log_figure(figure, f"figures/{name}.png")

    def log_dataset(self, facts: DataFacts) -> None:
        """Record which data was used; the digest is the first 36 characters of its SHA-256."""
        source = CodeDatasetSource(facts.model_dump(mode="json"))
        # Its base declares `profile` abstract, and MLflow itself does without.
        dataset = MetaDataset(  # type: ignore[abstract]
            source, name=facts.source, digest=facts.sha256[:MAX_DIGEST]
        )
        with self._asking("record the data set"):
            mlflow.log_input(dataset, context="training", tags=flatten(facts.model_dump()))

    def log_artifact(self, artifact: Artifact) -> None:
        """Log the artefact as a model with its signature, and register it as a new version.

        `mlflow models serve --env-manager local` answers the same records as the service.
        """
        facts = artifact.metadata
        with self._asking("keep the model"):
            mlflow.log_metrics(facts.metrics)
            model = mlflow.pyfunc.log_model(
                name=facts.model,
                python_model=str(PACKAGE / "mlflow_model.py"),
                model_config={
                    "package": __package__,
                    "outputs": [field.name for field in facts.outputs],
                },
                artifacts={"artifact": str(artifact.path)},
                code_paths=[str(PACKAGE)],
                signature=ModelSignature(_schema(facts.inputs), _schema(facts.outputs)),
                input_example=_example(artifact),
                pip_requirements=_requirements(),
                tags={ARTIFACT_ID: facts.id},
            )
            mlflow.log_metrics(facts.metrics, model_id=model.model_id)
            # It tells each step on stderr, whatever the level of its log.
            with redirect_stderr(StringIO()):
                version = mlflow.register_model(
                    model.model_uri, self._name, tags={ARTIFACT_ID: facts.id}
                )
            if "card.md" in facts.files:
                card = artifact.read_text("card.md")[:MAX_DESCRIPTION]
                self._client.update_model_version(self._name, version.version, card)

    def promote(self, artifact: Artifact) -> None:
        """Point the alias `champion` at this artefact's version; register it first if need be."""
        with self._asking("find the model's version"):
            version = self._version(artifact)
        if version is None:  # It was trained while the server was away.
            with self.run(artifact.metadata.id, nested=mlflow.active_run() is not None):
                self.log_artifact(artifact)
        with self._asking("move the alias"):
            version = version or self._version(artifact)
            self._client.set_registered_model_alias(self._name, ALIAS, str(version))

    def where(self) -> str:
        """Return a sentence that tells where to look at the runs."""
        if self._uri.startswith("http"):
            page = f"{_without_password(self._uri).rstrip('/')}/#/experiments/{self._experiment_id}"
            return f"The runs are at {page}."
        store = _without_password(self._uri)
        return (
            f"See the runs: `uv run mlflow ui --backend-store-uri {store}`, "
            "then open http://127.0.0.1:5000."
        )

    def _mark_killed(self, process: str) -> None:
        with self._asking("close the runs of a process that was killed"):
            for run in self._client.search_runs(
                [self._experiment_id],
                f"tags.{PROCESS} = '{process}' and attributes.status = 'RUNNING'",
            ):
                self._client.set_terminated(run.info.run_id, RunStatus.to_string(RunStatus.KILLED))

    def _version(self, artifact: Artifact) -> str | None:
        found = self._client.search_model_versions(
            f"name = '{self._name}' and tags.{ARTIFACT_ID} = '{artifact.metadata.id}'"
        )
        return str(found[0].version) if found else None

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Tell in one sentence what MLflow could not do; its traceback stays in the cause."""
        try:
            yield
        # The errors of requests are OSErrors.
        except (MlflowException, OSError) as error:
            raise UserError(
                f"MLflow at {_without_password(self._uri)} could not {what}: {_reason(error)}.",
                "Start the server or correct MLFLOW_TRACKING_URI (in the environment or .env); "
                "without it, runs go to a local file. A trained model in artifacts/ is kept.",
            ) from error


def _schema(fields: list[FieldSpec]) -> Schema:
    """Return the columns as the service takes them: a date is ISO 8601 text, an image base64."""
    return Schema(
        [
            ColSpec("double" if field.type == "number" else "string", field.name, field.required)
            for field in fields
        ]
    )


def _example(artifact: Artifact) -> pd.DataFrame:
    """Return the artefact's real request as one row with the types of the signature."""
    facts = artifact.metadata
    numbers = {field.name for field in facts.inputs if field.type == "number"}
    row = {name: value for name, value in facts.example.items() if value is not None}
    frame = pd.DataFrame([row])
    return frame.astype(dict.fromkeys(numbers & row.keys(), "float64"))


def _requirements() -> list[str]:
    """Return the packages that a serving process needs, at the installed versions."""
    found = []
    for name in RUNTIME:
        with suppress(metadata.PackageNotFoundError):
            found.append(f"{name}=={metadata.version(name)}")
    return found


def _reason(error: BaseException) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, HTTPError):
            return "it does not answer"
        cause = cause.__cause__ or cause.__context__
    return _without_password(str(error).strip().partition("\n")[0][:300]).rstrip(".")


def _without_password(text: str) -> str:
    """Return a text that may be shown: its addresses without a user's name and password."""
    return re.sub(r"//[^/@\s]*@", "//", text)
