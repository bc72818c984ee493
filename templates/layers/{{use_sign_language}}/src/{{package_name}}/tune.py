"""Searches for better parameters of the training; a search that was interrupted goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from optuna import Trial

from . import data
from .data import Dataset
from .learner import fit
from .params import Params
from .search import Found, Search
from .tracker import Tracker


def tune(
    params: Params,
    dataset: Dataset,
    tracker: Tracker,
    storage: Path,
    *,
    advance: Callable[[], None] | None = None,
) -> Found:
    """Try parameters until there are `params.tune.trials` of them, test pictures untouched.

    The error is the lowest validation loss of a training of `params.tune.epochs` epochs.

    Parameters
    ----------
    params : Params
        All parameters.
    dataset : Dataset
        The pictures.
    tracker : Tracker
        Gets a run with a nested one for each trial.
    storage : Path
        The SQLite file of the searches.
    advance : Callable, optional
        Called after each new trial.
    """
    parts = data.split(dataset, params.data, params.run.seed)

    def error_of(chosen: dict[str, float]) -> float:
        fitted = fit(
            _with(params, chosen),
            dataset.pictures[parts.train],
            dataset.labels[parts.train],
            len(dataset.classes),
            dataset.pictures[parts.validation],
            dataset.labels[parts.validation],
        )
        return min(epoch.validation_loss for epoch in fitted.history)

    return search(params, dataset, storage).run(
        f"tune {params.train.network}",
        params.plain(),
        dataset.facts,
        tracker,
        _suggest,
        error_of,
        advance=advance,
    )


def search(params: Params, dataset: Dataset, storage: Path) -> Search:
    """Return the search that `tune` goes on with; other data or networks begin another one."""
    tuned = params.tune
    name = f"{params.train.network}-{dataset.facts.sha256[:12]}-{tuned.epochs}"
    return Search(storage, name, params.run.seed, tuned.trials)


def _suggest(trial: Trial) -> dict[str, float]:
    return {
        "train.learning_rate": trial.suggest_float("train.learning_rate", 1e-3, 5e-2, log=True),
        "train.weight_decay": trial.suggest_float("train.weight_decay", 1e-4, 1e-1, log=True),
        "train.label_smoothing": trial.suggest_float("train.label_smoothing", 0.0, 0.2),
        "network.dropout": trial.suggest_float("network.dropout", 0.0, 0.5),
        "augmentation.rotation_degrees": trial.suggest_float(
            "augmentation.rotation_degrees", 0.0, 25.0
        ),
        "augmentation.scale": trial.suggest_float("augmentation.scale", 0.0, 0.25),
    }


def _with(params: Params, chosen: dict[str, float]) -> Params:
    """Return the parameters with those of a trial, trained for as long as a trial is."""
    tables: dict[str, Any] = params.model_dump()
    tables["train"]["epochs"] = params.tune.epochs
    for name, value in chosen.items():
        table, _, key = name.partition(".")
        tables[table][key] = value
    return Params.model_validate(tables)
