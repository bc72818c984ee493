"""A search for better parameters, kept in a file: one that was interrupted goes on.

Trials are drawn by a tree-structured Parzen estimator (Bergstra and others, 2011).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from sqlalchemy.exc import DatabaseError

from .about import command
from .artifact import DataFacts
from .console import console, table
from .errors import UserError
from .lock import claim
from .tracker import Tracker

# The attribute of a trial by which one that was killed is told from one that goes on.
PROCESS = "process"


@dataclass(frozen=True)
class Found:
    """What a search came to.

    Attributes
    ----------
    best : dict[str, Any]
        The best parameters of all trials.
    error, error_before : float
        Of the best trial, and of the parameters in params.toml.
    trials : int
        How many trials are finished, earlier searches included.
    """

    best: dict[str, Any]
    error: float
    error_before: float
    trials: int


def show_found(found: Found, prefix: str = "") -> None:
    """Print what a search came to, and how to train with it.

    Parameters
    ----------
    found : Found
        The result.
    prefix : str
        What stands before the names in params.toml, for instance `models.ridge.`.
    """
    table(
        f"Best of {found.trials} trials: error {found.error:.5f}, in params.toml "
        f"{found.error_before:.5f}",
        ["parameter", "value"],
        list(found.best.items()),
    )
    if found.error < found.error_before:
        flags = " ".join(f"--set {prefix}{k}={v:.6g}" for k, v in found.best.items())
        console.print(
            f"To use them, write them into params.toml, or:\n  {command('train ' + flags)}",
            markup=False,
            soft_wrap=True,
        )
    else:
        console.print("The parameters in params.toml are better: keep them.")


class Search:
    """The trials under one name; another name begins another search.

    Parameters
    ----------
    storage : Path
        The SQLite file of all searches.
    name : str
        What is searched for: the model, the data, and how an error is measured.
    seed : int
        Of the draws.
    trials : int
        How many there shall be in the end.

    Raises
    ------
    UserError
        When the file is damaged or cannot be written.
    """

    def __init__(self, storage: Path, name: str, seed: int, trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        storage.parent.mkdir(parents=True, exist_ok=True)
        self._storage = storage
        with self._written():
            self._study = optuna.create_study(
                storage=f"sqlite:///{storage.as_posix()}",
                study_name=name,
                direction="minimize",
                load_if_exists=True,
            )
        # With the same seed a resumed search would draw the same trials again.
        self._study.sampler = optuna.samplers.TPESampler(seed=seed + len(self._study.trials))
        self._claims = storage.parent / ".tuning" / name
        self._trials = trials

    @property
    def remaining(self) -> int:
        """How many trials `run` will add: those asked for, less those that are finished."""
        return max(0, self._trials - self._finished)

    def run(
        self,
        title: str,
        params: Mapping[str, Any],
        facts: DataFacts,
        tracker: Tracker,
        suggest: Callable[[optuna.Trial], dict[str, Any]],
        error_of: Callable[[dict[str, Any]], float],
        *,
        advance: Callable[[], None] | None = None,
    ) -> Found:
        """Add trials until there are as many as were asked for.

        Parameters
        ----------
        title : str
            The name of the run that the tracker gets, with a nested one for each trial.
        params : Mapping[str, Any]
            All parameters, for the tracker.
        facts : DataFacts
            The data, for the tracker.
        tracker : Tracker
            Gets the runs.
        suggest : Callable
            Draws the parameters of a trial.
        error_of : Callable
            Returns the error of such parameters; of none, that of params.toml.
        advance : Callable, optional
            Called after each new trial.

        Raises
        ------
        UserError
            When a trial cannot be kept.
        """
        with tracker.run(title, tags={"study": self._study.study_name}):
            tracker.log_params(params)
            tracker.log_dataset(facts)
            before = error_of({})
            with self._written():
                claimed = claim(self._claims, self._fail)
                for _ in range(self.remaining):
                    trial = self._study.ask()
                    trial.set_user_attr(PROCESS, claimed.name if claimed else None)
                    try:
                        with tracker.run(f"trial {trial.number}", nested=True):
                            chosen = suggest(trial)
                            tracker.log_params(chosen)
                            error = error_of(chosen)
                            tracker.log_metrics({"error": error})
                    except BaseException:
                        self._study.tell(trial, state=optuna.trial.TrialState.FAIL)
                        raise
                    self._study.tell(trial, error)
                    if advance:
                        advance()
            best = self._study.best_value
            tracker.log_metrics({"best_error": best, "error_before": before})
        return Found(self._study.best_params, best, before, self._finished)

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Turn what goes wrong with the file into a sentence."""
        try:
            yield
        except DatabaseError as error:
            raise UserError(
                f"The search cannot be kept in {self._storage}: {error.orig}.",
                "Make room there; or move the file away, if it is damaged, and begin anew.",
            ) from error

    @property
    def _finished(self) -> int:
        complete = [optuna.trial.TrialState.COMPLETE]
        return len(self._study.get_trials(deepcopy=False, states=complete))

    def _fail(self, process: str) -> None:
        """Mark the trial that a killed process left, which would be shown as running for good."""
        running = [optuna.trial.TrialState.RUNNING]
        for trial in self._study.get_trials(deepcopy=False, states=running):
            if trial.user_attrs.get(PROCESS) == process:
                self._study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
