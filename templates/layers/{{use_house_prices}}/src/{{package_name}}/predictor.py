"""Answers requests with the exported model: ONNX Runtime and numpy, nothing that training needs."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from .artifact import Artifact, ArtifactError
from .encoding import Encoder
from .schema import Feature, Schema
from .schemas import Contribution, Response, request_model, values

# The exported model computes in float32.
PARITY = 1e-4
# Rows that ONNX Runtime gets at once: more would not be faster, only larger.
ROWS_AT_ONCE = 1_024

Intervals = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


class Serving(BaseModel):
    """How the model's output becomes an answer.

    Attributes
    ----------
    log_target : bool
        Whether the model predicts log(1 + target).
    coverage : float
        Of the interval, between 0 and 1.
    half_width : float
        Half of the interval's width, on the scale of the model.
    decimals : int
        Of the target in the training data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    log_target: bool
    coverage: float
    half_width: float
    decimals: int


class Golden(BaseModel):
    """Requests with the answers that the trained model itself gave."""

    requests: list[dict[str, Any]]
    predictions: list[float]


class Predictor:
    """The trained model, ready to answer.

    Attributes
    ----------
    version : str
        The id of the artefact.
    request_model, response_model : type[BaseModel]
        Of one request and one answer.
    example : dict[str, Any]
        One real request.
    uploads : Mapping[str, Callable[[bytes], BaseModel]]
        Empty: a row of fields is JSON.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.version = artifact.metadata.id
        self.example = artifact.metadata.example
        self.schema = Schema.load(artifact.file("schema.json"))
        self.serving = Serving.model_validate_json(artifact.read_text("serving.json"))
        self.request_model: type[BaseModel] = request_model(self.schema, self.example)
        self.response_model: type[Response] = Response
        self.uploads: Mapping[str, Callable[[bytes], BaseModel]] = {}
        self._encode = Encoder(self.schema)
        self._known = [
            (place, feature.name, frozenset(feature.categories))
            for place, feature in enumerate(self.schema.features)
            if feature.kind == "category"
        ]
        features = self.schema.features
        self._typical = self._encode([[feature.typical for feature in features]])[0]
        place = {feature.name: number for number, feature in enumerate(features)}
        self._feature_of_column = [place[column.feature] for column in self.schema.columns]
        options = onnxruntime.SessionOptions()
        # One thread a session: two that wait for each other are slower than one.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        # Memory that a large batch once took would stay taken.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(artifact.file("model.onnx")), options, providers=["CPUExecutionProvider"]
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Load an artefact and compare its answers with those that the trained model gave.

        Raises
        ------
        ArtifactError
            When a file is missing or damaged, or the answers differ by more than 1e-4 of the value.
        """
        artifact = Artifact.load(directory)
        hint = "Train again, or restore another version."
        try:
            predictor = cls(artifact)
            golden = Golden.model_validate_json(artifact.read_text("golden.json"))
            requests = [predictor.request_model.model_validate(row) for row in golden.requests]
            answers = predictor.predict(requests)
        except ArtifactError:
            raise
        except (ValidationError, ValueError, RuntimeError, OSError) as error:
            what = str(error).splitlines()[0]
            raise ArtifactError(f"The model in {directory} cannot be used: {what}", hint) from error
        for answer, expected in zip(answers, golden.predictions, strict=True):
            if not abs(answer.prediction - expected) <= PARITY * max(1.0, abs(expected)):
                raise ArtifactError(
                    f"The model in {directory} answers {answer.prediction:,.2f} where the "
                    f"trained one answered {expected:,.2f}.",
                    hint,
                )
        return predictor

    def predict(self, requests: Sequence[BaseModel], *, explain: bool = False) -> list[Response]:
        """Answer each request; safe to call from several threads.

        Parameters
        ----------
        requests : Sequence[BaseModel]
            Instances of `request_model`.
        explain : bool
            Also measure what each field contributed, by replacing it with its typical value.

        Returns
        -------
        list[Response]
            As many, in the same order.
        """
        rows = [values(request) for request in requests]
        matrix = self._encode(rows)
        predictions, lower, upper = (part.tolist() for part in self._intervals(matrix))
        return [
            Response.model_construct(
                prediction=predictions[number],
                lower=lower[number],
                upper=upper[number],
                coverage=self.serving.coverage,
                warnings=self._warnings(row),
                contributions=(
                    self._contributions(row, matrix[number], predictions[number])
                    if explain
                    else None
                ),
                model=self.version,
            )
            for number, row in enumerate(rows)
        ]

    def watched(
        self, requests: Sequence[BaseModel], answers: Sequence[BaseModel]
    ) -> list[list[Any]]:
        """Return what monitoring compares with the training data: the fields, the prediction."""
        pairs = zip(requests, answers, strict=True)
        return [
            [*values(request), answer.prediction]
            for request, answer in pairs
            if isinstance(answer, Response)
        ]

    def predict_rows(self, rows: Sequence[Sequence[Any]]) -> NDArray[np.float64]:
        """Return the point predictions, shape (n,), of rows in the order of the schema."""
        return self._unit(self._scores(self._encode(rows)))

    def predict_intervals(self, rows: Sequence[Sequence[Any]]) -> Intervals:
        """Return predictions, lower and upper ends of such rows, each of shape (n,)."""
        return self._intervals(self._encode(rows))

    def _intervals(self, matrix: NDArray[np.float32]) -> Intervals:
        scores, margin = self._scores(matrix), self.serving.half_width
        return self._unit(scores), self._unit(scores - margin), self._unit(scores + margin)

    def _scores(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        parts = [
            self._session.run(["y"], {"X": matrix[start : start + ROWS_AT_ONCE]})[0]
            for start in range(0, len(matrix), ROWS_AT_ONCE)
        ]
        return np.concatenate(parts).reshape(-1).astype(np.float64)

    def _unit(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring the model's scale to the target's unit."""
        unit = np.expm1(scores) if self.serving.log_target else scores
        return np.round(unit, self.serving.decimals)

    def _warnings(self, row: Sequence[Any]) -> list[str]:
        return [
            f"{name}: {row[place]!r} did not occur in the training data."
            for place, name, known in self._known
            if row[place] is not None and row[place] not in known
        ]

    def _contributions(
        self, row: Sequence[Any], encoded: NDArray[np.float32], prediction: float
    ) -> list[Contribution]:
        features = self.schema.features
        replaced = np.tile(encoded, (len(features), 1))
        columns = np.arange(len(encoded))
        replaced[self._feature_of_column, columns] = self._typical
        effects = prediction - self._unit(self._scores(replaced))
        order = np.argsort(-np.abs(effects), kind="stable")
        return [
            Contribution(
                field=features[number].name,
                value=_plain(features[number], row[number]),
                typical=features[number].typical,
                effect=float(effects[number]),
            )
            for number in order
        ]


def _plain(feature: Feature, value: Any) -> float | str | None:
    if value is None:
        return None
    return float(value) if feature.kind == "number" else str(value)
