"""How the error falls as a model gets more rows to learn from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import metrics, parallel
from .data import Dataset, split
from .params import Params
from .target import TargetScale
from .train import fit

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)
MIN_ROWS = 30


@dataclass(frozen=True)
class LearningCurve:
    """The errors of one model for growing numbers of training rows, by the metric that decides."""

    model: str
    metric: str
    rows: list[int]
    training: list[float]
    held_out: list[float]


def learning_curves(
    names: Sequence[str],
    params: Params,
    dataset: Dataset,
    *,
    advance: Callable[[], None] | None = None,
) -> list[LearningCurve]:
    """Train each model on ever more of the training rows, and score it on the same held-out rows.

    Parameters
    ----------
    names : Sequence[str]
        Keys of `models.MODELS`.
    params : Params
        All parameters.
    dataset : Dataset
        The table.
    advance : Callable, optional
        Called after each training: `len(SHARES)` times a model at most.
    """
    train_rows, test_rows = split(dataset, params.data.test_fraction, params.run.seed)
    drawn = np.random.default_rng(params.run.seed).permutation(train_rows)
    wanted = {max(MIN_ROWS, round(share * len(drawn))) for share in SHARES}
    sizes = sorted({min(size, len(drawn)) for size in wanted})
    metric = metrics.primary(log_target=TargetScale.choose(dataset.y[train_rows]).log)
    dataset.matrix()  # Encoded once, and not again in every process.
    # Slowest first, so that no process is left with the longest.
    tasks = [
        (name, metric, params, dataset, drawn[:size], test_rows)
        for size in reversed(sizes)
        for name in names
    ]
    workers = parallel.worker_count(params.run.workers)
    found = parallel.run(_errors, tasks, workers=workers, advance=advance)[::-1]
    curves = []
    for place, name in enumerate(reversed(names)):
        training, held_out = zip(*found[place :: len(names)], strict=True)
        curves.append(LearningCurve(name, metric, sizes, list(training), list(held_out)))
    return curves[::-1]


def _errors(
    name: str,
    metric: str,
    params: Params,
    dataset: Dataset,
    train_rows: NDArray[np.intp],
    test_rows: NDArray[np.intp],
) -> tuple[float, float]:
    fitted = fit(name, params, dataset, train_rows, interval=False)
    scores = [
        metrics.score(dataset.y[rows], fitted.predict(dataset.matrix()[rows])[0])[metric]
        for rows in (train_rows, test_rows)
    ]
    return scores[0], scores[1]
