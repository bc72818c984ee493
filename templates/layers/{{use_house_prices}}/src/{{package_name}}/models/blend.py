"""A weighted mean of other models, which is better than each of them where their errors differ."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field

from .. import parallel
from ..schema import Column
from .base import Matrix, Model, ModelParams, Vector

if TYPE_CHECKING:
    from ..export_onnx import Graph


def default_members() -> list[str]:
    """Return a linear model, the strongest boosting of this project, and the kernel."""
    from . import BOOSTING

    return ["ridge", BOOSTING, "kernel"]


class BlendParams(ModelParams):
    """`members`: names of models; `folds`: of the cross-validation that finds their weights."""

    members: list[str] = Field(default_factory=default_members, min_length=1)
    folds: int = Field(default=5, ge=2)


class Blend(Model):
    """Stacked regression (Breiman, 1996): the weights that fit best out of fold, none negative."""

    name = "blend"
    Params = BlendParams
    knows_residuals = True
    has_members = True

    @property
    def obstacle(self) -> str:
        """That of the first member that has one."""
        from . import build

        members = (
            build(name, self.tables, self.columns, seed=self.seed) for name in self.params.members
        )
        return next((member.obstacle for member in members if member.obstacle), "")

    @property
    def steps(self) -> int:
        """One for each member in each fold, and one for each on all rows."""
        return len(self.params.members) * (int(self.params.folds) + 1)

    def describe(self) -> str:
        """Name the members with their weights."""
        parts = [
            f"{weight:.2f} {name}"
            for name, weight in zip(self.params.members, self.weights, strict=True)
        ]
        return f"It is a weighted sum of {len(parts)} models: {', '.join(parts)}."

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the weights out of fold, then each member on all rows."""
        from scipy.optimize import nnls

        names = self.params.members
        member = (self.tables, self.columns, self.seed)
        folds = list(split_folds(len(X), self.params.folds, self.seed))
        tasks: list[tuple[Any, ...]] = [
            (name, *member, X, y, train, test) for name in names for train, test in folds
        ]
        everything = np.arange(len(X))
        tasks += [(name, *member, X, y, everything, None) for name in names]
        results = parallel.run(fit_member, tasks, workers=self.workers, advance=advance)

        self.mean = float(y.mean())
        out_of_fold = np.empty((len(X), len(names)))
        for place in range(len(names)):
            for number, (_, test) in enumerate(folds):
                out_of_fold[test, place] = results[place * len(folds) + number]
        self.weights, _ = nnls(out_of_fold - self.mean, y - self.mean)
        if not self.weights.any():
            # Nobody is better than the mean; then all are equally good.
            self.weights = np.full(len(names), 1 / len(names))
        self.members: list[Model] = results[len(names) * len(folds) :]
        self.sampled = tuple(note for member in self.members for note in member.sampled)
        # Of predictions that no member learned from: what an interval is made of.
        self.residuals = y - self._combine(out_of_fold)
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the weighted mean of the members."""
        return self._combine(np.column_stack([member.predict(X) for member in self.members]))

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the members that have a weight, and their sum."""
        total = graph.number(self.mean * (1 - float(self.weights.sum())))
        for member, weight in zip(self.members, self.weights, strict=True):
            if weight > 0:
                part = graph.op("Mul", member.to_onnx(graph, X), graph.number(float(weight)))
                total = graph.op("Add", part, total)
        return total

    def contributions(self, X: Matrix) -> Vector | None:
        """Return those of the first member that knows its own."""
        for member in self.members:
            found = member.contributions(X)
            if found is not None:
                return found
        return None

    def _combine(self, predictions: Vector) -> Vector:
        return np.asarray((predictions - self.mean) @ self.weights + self.mean)


def split_folds(rows: int, folds: int, seed: int) -> Any:
    """Yield the row numbers to train and to test on, for each shuffled fold."""
    from sklearn.model_selection import KFold

    return KFold(folds, shuffle=True, random_state=seed).split(np.empty(rows))


def fit_member(
    name: str,
    tables: object,
    columns: Sequence[Column],
    seed: int,
    X: Matrix,
    y: Vector,
    train: Any,
    test: Any,
) -> Any:
    """Train a model on some rows; return its predictions of others, or itself if there are none."""
    from . import build

    model = build(name, tables, columns, seed=seed).fit(X[train], y[train])
    return model if test is None else model.predict(X[test])
