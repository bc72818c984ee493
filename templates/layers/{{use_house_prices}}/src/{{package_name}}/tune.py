"""Searches for better parameters of one model; a search that was interrupted goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from . import parallel
from .data import Dataset, split
from .errors import UserError
from .models import MODELS
from .models.blend import fit_member, split_folds
from .params import Params
from .search import Found, Search
from .target import TargetScale
from .tracker import Tracker


def tune(
    params: Params,
    dataset: Dataset,
    tracker: Tracker,
    storage: Path,
    *,
    advance: Callable[[], None] | None = None,
) -> Found:
    """Try parameters until there are `params.tune.trials` of them, held-out rows untouched.

    The error is the root mean squared one over the folds, on the scale that the model learns on.

    Parameters
    ----------
    params : Params
        All parameters; those of the other models stay as they are.
    dataset : Dataset
        The table.
    tracker : Tracker
        Gets a run with a nested one for each trial.
    storage : Path
        The SQLite file of the searches.
    advance : Callable, optional
        Called after each new trial.

    Raises
    ------
    UserError
        When the model has nothing to tune.
    """
    name = params.tune.model
    if "suggest" not in vars(MODELS[name]):
        tunable = [kind for kind, model in MODELS.items() if "suggest" in vars(model)]
        raise UserError(
            f"The model {name} has nothing to tune.",
            f"Choose one with --set tune.model=NAME: {', '.join(tunable)}.",
        )
    rows, _ = split(dataset, params.data.test_fraction, params.run.seed)
    X, y = dataset.matrix()[rows], dataset.y[rows]
    target = TargetScale.choose(y).forward(y)
    folds = list(split_folds(len(rows), params.tune.folds, params.run.seed))
    workers = parallel.worker_count(params.run.workers)
    own = getattr(params.models, name)

    def error_of(chosen: dict[str, Any]) -> float:
        table = own.model_copy(update=chosen)
        models = params.models.model_copy(update={name: table})
        member = (name, models, dataset.schema.columns, params.run.seed, X, target)
        tasks = [(*member, *fold) for fold in folds]
        predicted = parallel.run(fit_member, tasks, workers=workers)
        squares = [
            (target[test] - found) ** 2 for (_, test), found in zip(folds, predicted, strict=True)
        ]
        return float(np.sqrt(np.concatenate(squares).mean()))

    return search(params, dataset, storage).run(
        f"tune {name}",
        params.plain(),
        dataset.facts,
        tracker,
        MODELS[name].suggest,
        error_of,
        advance=advance,
    )


def search(params: Params, dataset: Dataset, storage: Path) -> Search:
    """Return the search that `tune` goes on with; other data begin another one."""
    tuned = params.tune
    name = f"{tuned.model}-{dataset.facts.sha256[:12]}-{tuned.folds}"
    return Search(storage, name, params.run.seed, tuned.trials)
