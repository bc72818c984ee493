"""Searches for better parameters of one model; a search that was interrupted goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from . import parallel
from .data import Dataset, split
from .errors import UserError
from .lock import claim
from .models import MODELS
from .models.blend import fit_member, split_folds
from .params import Params
from .target import TargetScale
from .tracker import Tracker

# The attribute of a trial by which one that was killed is told from one that goes on.
PROCESS = "process"


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    model : str
        The model that was tuned.
    best : dict[str, Any]
        The best parameters of all trials.
    error, error_before : float
        The root mean squared error over the folds, on the scale that the model learns on: of the
        best trial, and of the parameters in params.toml.
    trials : int
        How many trials are finished, earlier searches included.
    """

    model: str
    best: dict[str, Any]
    error: float
    error_before: float
    trials: int


def tune(
    params: Params,
    dataset: Dataset,
    tracker: Tracker,
    storage: Path,
    *,
    advance: Callable[[], None] | None = None,
) -> Tuned:
    """Try parameters until the study holds `params.tune.trials` of them, held-out rows untouched.

    Trials are drawn by a tree-structured Parzen estimator (Bergstra and others, 2011) and kept in a
    file, so that a search which was stopped is resumed; other data begin another study.

    Parameters
    ----------
    params : Params
        All parameters; those of the other models stay as they are.
    dataset : Dataset
        The table.
    tracker : Tracker
        Gets a run with a nested one for each trial.
    storage : Path
        The SQLite file of the studies.
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

    study = _study(storage, f"{name}-{dataset.facts.sha256[:12]}-{len(folds)}", params.run.seed)
    done = len(_finished(study))
    claimed = claim(storage.parent / ".tuning" / study.study_name, lambda name: _fail(study, name))
    with tracker.run(f"tune {name}", tags={"study": study.study_name}):
        tracker.log_params(params.plain())
        tracker.log_dataset(dataset.facts)
        before = error_of({})
        for _ in range(done, params.tune.trials):
            trial = study.ask()
            trial.set_user_attr(PROCESS, claimed.name if claimed else None)
            try:
                with tracker.run(f"trial {trial.number}", nested=True):
                    chosen = MODELS[name].suggest(trial)
                    tracker.log_params(chosen)
                    error = error_of(chosen)
                    tracker.log_metrics({"error": error})
            except BaseException:
                study.tell(trial, state=optuna.trial.TrialState.FAIL)
                raise
            study.tell(trial, error)
            if advance:
                advance()
        tracker.log_metrics({"best_error": study.best_value, "error_before": before})
    return Tuned(name, study.best_params, study.best_value, before, len(_finished(study)))


def remaining(params: Params, dataset: Dataset, storage: Path) -> int:
    """Return how many trials `tune` will run: those asked for, less those that are finished."""
    name = f"{params.tune.model}-{dataset.facts.sha256[:12]}-{params.tune.folds}"
    return max(0, params.tune.trials - len(_finished(_study(storage, name, params.run.seed))))


def _study(storage: Path, name: str, seed: int) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{storage.as_posix()}",
        study_name=name,
        direction="minimize",
        load_if_exists=True,
    )
    # With the same seed a resumed search would draw the same trials again.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.trials))
    return study


def _fail(study: optuna.Study, process: str) -> None:
    """Mark the trial that a killed process left, which would be shown as running for good."""
    for trial in study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.RUNNING]):
        if trial.user_attrs.get(PROCESS) == process:
            study.tell(trial.number, state=optuna.trial.TrialState.FAIL)


def _finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
