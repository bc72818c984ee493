"""Compares models by cross-validation: whatever is learned is learned inside the fold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import metrics, parallel
from .console import progress
from .data import Dataset
from .models.base import Vector
from .models.blend import split_folds
from .params import Params
from .tracker import Tracker
from .train import fit


@dataclass(frozen=True)
class CrossValidation:
    """A model over the outer folds.

    Attributes
    ----------
    model : str
        Its name.
    scores : dict[str, float]
        The error metrics as means over the folds; of the model that `train` uses, also `coverage`
        and `interval_width`, pooled over all rows; `seconds` to train and predict, in all folds.
    deviations : dict[str, float]
        The standard deviation of each error metric over the folds.
    predictions : ndarray of float64, shape (n,)
        Of each row by the model that did not see it, in the target's unit.
    """

    model: str
    scores: dict[str, float]
    deviations: dict[str, float]
    predictions: Vector


def cross_validate(
    params: Params, dataset: Dataset, *, advance: Callable[[], None] | None = None
) -> list[CrossValidation]:
    """Train and score every model of `params.evaluate.models` in each of the shuffled folds.

    Parameters
    ----------
    params : Params
        All parameters.
    dataset : Dataset
        The table; all its rows take part.
    advance : Callable, optional
        Called after each model in each fold.

    Returns
    -------
    list[CrossValidation]
        In the order of `params.evaluate.models`.
    """
    folds = list(split_folds(len(dataset.y), params.evaluate.folds, params.run.seed))
    names = params.evaluate.models
    # Slowest first: otherwise one process would work on a blend while the others have nothing left.
    tasks = [(name, params, dataset, *fold) for name in reversed(names) for fold in folds]
    workers = parallel.worker_count(params.run.workers)
    dataset.matrix()  # Encoded once, and not again in every process.
    found = parallel.run(_score_fold, tasks, workers=workers, advance=advance)
    results = []
    for place, name in enumerate(reversed(names)):
        parts = found[place * len(folds) : (place + 1) * len(folds)]
        results.append(_summarise(name, dataset.y, folds, parts))
    return results[::-1]


def columns_and_rows(results: list[CrossValidation]) -> tuple[list[str], list[list[object]]]:
    """Return the columns and rows of the table of models, its error in the second column."""
    shown = [name for name in ("rmsle", "rmse", "r2", "seconds") if name in results[0].scores]
    rows: list[list[object]] = [
        [
            result.model,
            result.scores[shown[0]],
            result.deviations[shown[0]],
            *(result.scores[name] for name in shown[1:]),
        ]
        for result in results
    ]
    return ["model", shown[0], "± folds", *shown[1:]], rows


def run(
    verb: str, params: Params, profile: str, dataset: Dataset, tracker: Tracker
) -> list[CrossValidation]:
    """Cross-validate with a progress bar and a record of the run.

    Parameters
    ----------
    verb : str
        The name of the run.
    params : Params
        All parameters.
    profile : str
        Their name.
    dataset : Dataset
        The table.
    tracker : Tracker
        Gets the run.
    """
    with tracker.run(verb, tags={"profile": profile}):
        tracker.log_params(params.plain())
        tracker.log_dataset(dataset.facts)
        total = len(params.evaluate.models) * params.evaluate.folds
        with progress("Training each model in each fold", total) as advance:
            results = cross_validate(params, dataset, advance=advance)
        tracker.log_metrics(
            {f"{r.model}.{name}": value for r in results for name, value in r.scores.items()}
        )
    return results


def title(params: Params) -> str:
    """Say what the numbers of the table are."""
    return f"Means over {params.evaluate.folds} shuffled folds, seed {params.run.seed}"


def _score_fold(
    name: str, params: Params, dataset: Dataset, train: Any, test: Any
) -> tuple[tuple[Vector, Vector, Vector], float]:
    from time import perf_counter

    start = perf_counter()
    interval = name == params.train.model
    fitted = fit(name, params, dataset, train, interval=interval)
    return fitted.predict(dataset.matrix()[test]), perf_counter() - start


def _summarise(
    name: str,
    y: Vector,
    folds: list[tuple[Any, Any]],
    parts: list[tuple[tuple[Vector, Vector, Vector], float]],
) -> CrossValidation:
    pooled = np.empty((3, len(y)))
    errors = []
    for (_, test), (predicted, _) in zip(folds, parts, strict=True):
        pooled[:, test] = predicted
        errors.append(metrics.score(y[test], predicted[0]))
    # A fold without a negative value may know a metric that the others do not.
    shared = [metric for metric in errors[0] if all(metric in error for error in errors)]
    table = {metric: [error[metric] for error in errors] for metric in shared}
    intervals = metrics.score_intervals(y, pooled[1], pooled[2])
    return CrossValidation(
        model=name,
        scores={metric: float(np.mean(values)) for metric, values in table.items()}
        | (intervals if np.isfinite(pooled[1:]).all() else {})
        | {"seconds": sum(seconds for _, seconds in parts)},
        deviations={metric: float(np.std(values)) for metric, values in table.items()},
        predictions=pooled[0],
    )
