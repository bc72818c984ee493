"""Trains a model, exports it, and lets it become champion if it passes the gate."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from . import conformal, data, export_onnx, metrics, parallel, reports
from .artifact import Artifact, Draft, FieldSpec, Metadata, environment_facts, new_artifact
from .candidate import settle
from .data import Dataset
from .errors import UserError
from .models import BASELINE, BOOSTING, build
from .models.base import Matrix, Model, Vector
from .models.blend import fit_member, split_folds
from .params import Params
from .predictor import Predictor
from .promotion import Decision, Gate
from .reference import CategoryField, NumberField, Reference
from .settings import Settings
from .target import TargetScale
from .tracker import Tracker

CAPSTONE = "house-prices"
# Those that are not installed are left out.
LIBRARIES = [
    *("catboost", "lightgbm", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn"),
    *("skl2onnx", "xgboost", "xgboost-cpu"),
]
GOLDEN_ROWS = 20
# The digits of a prediction that are worth showing.
SIGNIFICANT_DIGITS = 6
INPUT_TYPES: dict[str, Any] = {"number": "number", "category": "string", "date": "datetime"}


@dataclass(frozen=True)
class Fitted:
    """A trained model with the scale of its target and the width of its intervals.

    `half_width` is on the model's scale, and NaN where no interval was asked for; `residuals` is
    what it was measured on.
    """

    model: Model
    scale: TargetScale
    half_width: float
    residuals: Vector | None = None

    def predict(self, X: Matrix) -> tuple[Vector, Vector, Vector]:
        """Return predictions, lower and upper ends of the intervals, in the target's unit."""
        scores = self.model.predict(X)
        return (
            self.scale.back(scores),
            self.scale.back(scores - self.half_width),
            self.scale.back(scores + self.half_width),
        )

    def calibration(self, dataset: Dataset, rows: NDArray[np.intp]) -> list[tuple[float, float]]:
        """Return pairs of a promised coverage and that on held-out rows."""
        if self.residuals is None:
            return []
        truth = self.scale.forward(dataset.y[rows])
        errors = truth - self.model.predict(dataset.matrix()[rows])
        return conformal.calibration(self.residuals, errors)


@dataclass(frozen=True)
class Outcome:
    """What a training came to; `sampled` says which bounds on the rows were met."""

    artifact: Artifact
    decision: Decision
    where: str
    sampled: tuple[str, ...] = ()


def fit(
    name: str,
    params: Params,
    dataset: Dataset,
    rows: NDArray[np.intp],
    *,
    interval: bool = True,
    workers: int = 1,
    advance: Callable[[], None] | None = None,
) -> Fitted:
    """Train a model and measure its interval, on some rows and nothing else.

    Parameters
    ----------
    name : str
        A key of `models.MODELS`.
    params : Params
        Of all models, and the coverage.
    dataset : Dataset
        The table.
    rows : ndarray of int
        The rows to learn from.
    interval : bool
        Whether to measure it; most models are trained once more in each fold for that.
    workers : int
        How many processes to use.
    advance : Callable, optional
        Called after each step, `steps` times.
    """
    X, y = dataset.matrix()[rows], dataset.y[rows]
    scale = TargetScale.choose(y)
    columns, seed = dataset.schema.columns, params.run.seed
    target = scale.forward(y)
    model = build(name, params.models, columns, seed=seed, workers=workers)
    with threadpool_limits(limits=1):
        model.fit(X, target, advance)
    if not interval:
        return Fitted(model, scale, math.nan)
    residuals = model.residuals
    if residuals is None:
        folds = list(split_folds(len(X), params.evaluate.folds, seed))
        tasks = [(name, params.models, columns, seed, X, target, *fold) for fold in folds]
        predicted = parallel.run(fit_member, tasks, workers=workers, advance=advance)
        residuals = np.concatenate(
            [target[test] - found for (_, test), found in zip(folds, predicted, strict=True)]
        )
    half_width = conformal.half_width(residuals, params.train.coverage)
    return Fitted(model, scale, half_width, residuals)


def steps(name: str, params: Params, dataset: Dataset) -> int:
    """Return how often `fit` calls `advance`."""
    model = build(name, params.models, dataset.schema.columns, seed=params.run.seed)
    return model.steps + (0 if model.knows_residuals else params.evaluate.folds)


def train(
    params: Params,
    profile: str,
    dataset: Dataset,
    settings: Settings,
    tracker: Tracker,
    *,
    advance: Callable[[], None] | None = None,
) -> Outcome:
    """Train, score on held-out rows, keep the artefact, and promote it if it is better.

    Parameters
    ----------
    params : Params
        All parameters.
    profile : str
        Their name, for the metadata.
    dataset : Dataset
        The table.
    settings : Settings
        Where the artefacts are.
    tracker : Tracker
        Gets the run.
    advance : Callable, optional
        Called after each step of the fit, `steps` times.

    Raises
    ------
    UserError
        When the model cannot be exported, its export differs, or something cannot be written.
    """
    name, seed = params.train.model, params.run.seed
    obstacle = build(name, params.models, dataset.schema.columns, seed=seed).obstacle
    if obstacle:
        raise UserError(obstacle, f"Train another model to serve: --model {BOOSTING}.")
    workers = parallel.worker_count(params.run.workers)
    train_rows, test_rows = data.split(dataset, params.data.test_fraction, seed)
    facts = dataset.facts.model_copy(
        update={
            "split": f"{len(train_rows):,} rows to train on and {len(test_rows):,} held out, "
            f"drawn at random with seed {seed}; equal rows stay on one side."
        }
    )
    tags = {"capstone": CAPSTONE, "profile": profile}
    # The draft comes first: a folder that cannot be written is told before the work, not after.
    with tracker.run(f"train {name}", tags=tags), new_artifact(settings.artifacts_dir) as draft:
        tracker.log_params(params.plain())
        tracker.log_dataset(facts)
        fitted = fit(name, params, dataset, train_rows, workers=workers, advance=advance)
        baseline = fit(BASELINE, params, dataset, train_rows, interval=False)
        predictions = fitted.predict(dataset.matrix()[test_rows])
        calibration = fitted.calibration(dataset, test_rows)
        evaluation = reports.Evaluation.of(
            dataset, test_rows, predictions, fitted.model, seed, calibration
        )
        tracker.log_metrics(evaluation.metrics)
        for title, figure in evaluation.figures().items():
            tracker.log_figure(figure, title)
        parity = _write_model(draft.path, fitted, dataset, test_rows, params)
        _reference(dataset, train_rows, predictions[0]).save(draft.path)
        metadata = Metadata(
            id=draft.id,
            capstone=CAPSTONE,
            model=name,
            created_at=draft.created_at,
            profile=profile,
            params=params.plain(),
            metrics=evaluation.metrics | {"onnx_parity": parity},
            metric_intervals=evaluation.intervals,
            data=facts,
            baseline=metrics.score(
                dataset.y[test_rows], baseline.predict(dataset.matrix()[test_rows])[0]
            ),
            inputs=[
                FieldSpec(name=f.name, type=INPUT_TYPES[f.kind], required=f.required)
                for f in dataset.schema.features
            ],
            outputs=[
                FieldSpec(name=end, type="number", required=True)
                for end in ("prediction", "lower", "upper")
            ],
            example=_example(dataset, test_rows),
            **environment_facts(LIBRARIES),
        )
        artifact = _commit(draft, metadata, evaluation, dataset, fitted.model)
        metric = metrics.primary(log_target=fitted.scale.log)
        decision = settle(
            artifact,
            settings,
            tracker,
            Gate(metric, lower_is_better=True),
            lambda present: _score(present, dataset, test_rows, metric),
            len(test_rows),
        )
    return Outcome(artifact, decision, tracker.where(), fitted.model.sampled)


def _write_model(
    folder: Path, fitted: Fitted, dataset: Dataset, test_rows: NDArray[np.intp], params: Params
) -> float:
    """Write what the service needs; return how far the export is from the trained model."""
    X = dataset.matrix()
    export_onnx.export(fitted.model, X.shape[1], folder / "model.onnx")
    scores = export_onnx.run(folder / "model.onnx", X)
    trained = fitted.predict(X)[0]
    parity = export_onnx.check_parity(trained, fitted.scale.back(scores))
    dataset.schema.save(folder / "schema.json")
    middle = float(np.median(np.abs(dataset.y))) or 1.0
    decimals = max(0, SIGNIFICANT_DIGITS - 1 - int(np.floor(np.log10(middle))))
    _write_json(
        folder / "serving.json",
        {
            "log_target": fitted.scale.log,
            "coverage": params.train.coverage,
            "half_width": fitted.half_width,
            "decimals": decimals,
        },
    )
    golden = test_rows[:GOLDEN_ROWS]
    _write_json(
        folder / "golden.json",
        {
            "requests": _requests(dataset, golden),
            "predictions": np.round(trained[golden], decimals).tolist(),
        },
    )
    return parity


def _reference(dataset: Dataset, rows: NDArray[np.intp], predictions: Vector) -> Reference:
    """Describe the training rows and the held-out predictions, in the order of `watched`."""
    columns = zip(*data.rows_of(dataset.frame.iloc[rows], dataset.schema), strict=True)
    inputs = [
        CategoryField.of(feature.name, column)
        if feature.kind == "category"
        else NumberField.of(feature.name, column, feature.kind)
        for feature, column in zip(dataset.schema.features, columns, strict=True)
    ]
    prediction = NumberField.of("prediction", predictions.tolist(), role="prediction")
    return Reference(fields=[*inputs, prediction])


def _commit(
    draft: Draft,
    metadata: Metadata,
    evaluation: "reports.Evaluation",
    dataset: Dataset,
    model: Model,
) -> Artifact:
    cards = reports.cards(metadata, evaluation, dataset, model)
    for name, text in cards.items():
        (draft.path / name).write_text(text, encoding="utf-8", newline="\n")
    _write_json(draft.path / "evaluation.json", evaluation.model_dump(mode="json"))
    return draft.commit(metadata)


def _score(present: Artifact, dataset: Dataset, test_rows: NDArray[np.intp], metric: str) -> float:
    """Score the present champion on the rows that were held out here."""
    predictor = Predictor(present)
    if predictor.schema.target != dataset.schema.target:
        raise UserError(f"it predicts {predictor.schema.target}")
    frame = dataset.frame.iloc[test_rows]
    data.validate(frame, predictor.schema)
    found = predictor.predict_rows(data.rows_of(frame, predictor.schema))
    return metrics.score(dataset.y[test_rows], found)[metric]


def _example(dataset: Dataset, rows: NDArray[np.intp]) -> dict[str, Any]:
    """Return a held-out row in the middle of the target, as a client would send it."""
    middle = rows[np.argsort(dataset.y[rows])[len(rows) // 2]]
    return _requests(dataset, np.array([middle]))[0]


def _requests(dataset: Dataset, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    frame: pd.DataFrame = dataset.frame.iloc[rows]
    names = [feature.name for feature in dataset.schema.features]
    return [
        {name: _plain(value) for name, value in zip(names, row, strict=True)}
        for row in data.rows_of(frame, dataset.schema)
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: a whole number without a point, a date as text."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if value is None or isinstance(value, str | float) else str(value)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
