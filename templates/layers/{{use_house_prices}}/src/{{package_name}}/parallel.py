"""Runs tasks in processes of one thread each: threads that compete for a core slow all down."""

import os
from collections.abc import Callable, Sequence
from functools import cache
from pickle import PicklingError
from typing import Any, TypeVar

from .errors import UserError
from .lock import claim
from .settings import Settings

Result = TypeVar("Result")


def worker_count(asked: int) -> int:
    """Return how many processes to use; 0 asks for one on each core that this process may use."""
    if asked:
        return asked
    available = getattr(os, "sched_getaffinity", None)
    return len(available(0)) if available else os.cpu_count() or 1


def run(
    function: Callable[..., Result],
    tasks: Sequence[tuple[Any, ...]],
    *,
    workers: int,
    advance: Callable[[], None] | None = None,
) -> list[Result]:
    """Call a function for each task.

    Parameters
    ----------
    function : Callable
        Of a module, so that another process finds it.
    tasks : Sequence[tuple]
        The arguments of each call; large arrays are shared, not copied.
    workers : int
        How many processes; with 1, everything happens in this one.
    advance : Callable, optional
        Called as each result comes in.

    Returns
    -------
    list
        The results, in the order of the tasks.

    Raises
    ------
    UserError
        When the arguments cannot be handed over, as on a full disk.
    """
    from joblib import Parallel, delayed, parallel_config
    from threadpoolctl import threadpool_limits

    workers = min(workers, len(tasks))
    results = []
    with threadpool_limits(limits=1), parallel_config("loky", inner_max_num_threads=1):
        calls = (
            Parallel(n_jobs=workers, return_as="generator", temp_folder=_shared_folder())
            if workers > 1
            else None
        )
        found = (
            calls(delayed(function)(*task) for task in tasks)
            if calls
            else (function(*task) for task in tasks)
        )
        try:
            for result in found:
                results.append(result)
                if advance:
                    advance()
        except PicklingError as error:
            # So joblib says, and no more, also when an array could not be written.
            raise UserError(
                f"The data could not be shared with other processes in {_shared_folder()}.",
                "If its disk is full, make room there, or use one process: --set run.workers=1.",
            ) from error
    return results


@cache
def _shared_folder() -> str | None:
    """Return this process's own folder for the arrays that it shares with others.

    By itself joblib keeps them in memory, in /dev/shm, and there they stay for good when all
    processes are killed; here the next one removes them. None leaves the choice to joblib.
    """
    own = claim(Settings().artifacts_dir / ".shared")
    return None if own is None else str(own)
