"""Kernel ridge regression: the price of a house from those of all houses like it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field

from ..design import Design
from .base import Matrix, Model, ModelParams, Vector
from .importance import column_importance

if TYPE_CHECKING:
    from optuna import Trial

    from ..export_onnx import Graph

# So many likenesses are held in memory at once.
CHUNK_CELLS = 10_000_000
# The mean target of a level is drawn towards that of all rows, as if so many more rows had both.
LEVEL_PRIOR_ROWS = 0.5
FOLDS = 5


class KernelParams(ModelParams):
    """Parameters of the kernel, and of the boosting that weighs the columns.

    `gamma`: how fast likeness fades with distance; `alpha`: the penalty; `outlier_limit`: beyond
    so many standard deviations of the error, a row counts less; `max_centres`: of more rows, so
    many are drawn; `bags`: boostings whose importances are averaged; `iterations`: trees of each.
    """

    gamma: float = 0.3
    alpha: float = 0.03
    outlier_limit: float = Field(default=3.0, gt=0)
    max_centres: int = 4000
    bags: int = 1
    iterations: int = 300


class Kernel(Model):
    """Ridge regression with the Laplace kernel exp(-gamma * distance).

    The distance is a sum over the columns: weight times absolute difference. A category counts
    twice: whether the level is the same, and how far the mean targets of the two levels are apart
    (Micci-Barreca, *A preprocessing scheme for high-cardinality categorical attributes*, 2001).
    The weight of a column is the square root of its importance in a short boosting. That kernels
    get strong once they learn such weights is from Radhakrishnan, Beaglehole, Pandit and Belkin,
    *Mechanism for feature learning in neural networks and backpropagation-free machine learning
    models*, Science 383 (2024); they learn them from gradients, here boosting does in one pass.
    """

    name = "kernel"
    Params = KernelParams

    @classmethod
    def suggest(cls, trial: "Trial") -> dict[str, Any]:
        """Search around the defaults."""
        return {
            "gamma": trial.suggest_float("gamma", 0.05, 2.0, log=True),
            "alpha": trial.suggest_float("alpha", 1e-3, 1.0, log=True),
            "iterations": trial.suggest_int("iterations", 50, 800, log=True),
        }

    def fit(self, X: Matrix, y: Vector, advance: Callable[[], None] | None = None) -> Self:
        """Learn the weights of the columns and of the centres; takes 16 bytes * centres squared."""
        from scipy.linalg import cho_factor, cho_solve

        X, y = self.draw(X, y, self.params.max_centres)
        self.design = Design(self.columns, standardise=True).fit(X)
        trust = self._trust(X, y)
        self.mean = float(np.average(y, weights=trust))
        y = y - self.mean
        binary = self.design.binary(X)
        numbers = np.hstack([self.design.numbers(X), self._fit_levels(binary, y)])
        self._weigh_columns(numbers, binary, y, trust)
        self.centres = self._weighted(numbers, binary)
        likeness = self._likeness(*self.centres)
        likeness[np.diag_indices_from(likeness)] += self.params.alpha / trust
        self.weights: Vector = cho_solve(cho_factor(likeness, overwrite_a=True), y)
        if advance:
            advance()
        return self

    def predict(self, X: Matrix) -> Vector:
        """Return the sum over the centres, weighted by likeness."""
        rows = max(1, CHUNK_CELLS // len(self.weights))
        parts = [self._predict(X[start : start + rows]) for start in range(0, len(X), rows)]
        return np.concatenate([np.empty(0), *parts]) + self.mean

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the distances to all centres, their likeness, and the weighted sum."""
        numbers, binary = self.centres
        distances = []
        found = self._numbers_to_onnx(graph, X)
        if numbers.shape[1]:
            found = graph.columns(found, self._used_numbers)
            scaled = graph.op("Mul", found, graph.constant(self._number_weights))
            distances.append(graph.manhattan_distances(scaled, numbers))
        if binary.shape[1]:
            found = graph.columns(self.design.binary_to_onnx(graph, X), self._used_binary)
            product, own = self._binary_distance(binary)
            distances.append(graph.op("MatMul", found, graph.constant(product)))
            distances.append(graph.constant(own))
        total = graph.op("Sum", *distances)
        likeness = graph.op("Exp", graph.op("Mul", total, graph.number(-self.params.gamma)))
        # Thousands of large terms nearly cancel: single precision would lose digits of the sum.
        weighted = graph.op(
            "MatMul", graph.cast(likeness, np.float64), graph.constant(self.weights[:, None])
        )
        return graph.op("Add", graph.cast(weighted, np.float32), graph.number(self.mean))

    def _trust(self, X: Matrix, y: Vector) -> Vector:
        """Return how much each row counts, in (0, 1]: less where a quick model is far off.

        A sale between relatives says little about its neighbours, and a kernel would carry its
        price to all of them. These are Huber's weights (*Robust estimation of a location
        parameter*, 1964) for errors on rows that the quick model did not see.
        """
        from sklearn.ensemble import HistGradientBoostingRegressor
        from sklearn.model_selection import KFold, cross_val_predict

        quick = HistGradientBoostingRegressor(
            max_iter=100, max_features=0.5, early_stopping=False, random_state=self.seed
        )
        folds = KFold(FOLDS, shuffle=True, random_state=self.seed)
        errors = np.abs(y - cross_val_predict(quick, X, y, cv=folds))
        # The median absolute deviation, brought to the scale of a standard deviation.
        limit = self.params.outlier_limit * 1.4826 * float(np.median(errors))
        return limit / np.maximum(errors, limit) if limit > 0 else np.ones(len(y))

    def _fit_levels(self, binary: Matrix, y: Vector) -> Matrix:
        """Learn the effect of each level; return it for the training rows, shape (n, categories).

        A row's own target must not be in it, so each fold's effects come from the other folds.
        """
        from sklearn.model_selection import KFold

        crossed = np.empty((len(y), self.design.category_count), dtype=np.float32)
        folds = KFold(FOLDS, shuffle=True, random_state=self.seed)
        for others, own in folds.split(binary):
            crossed[own] = binary[own] @ self._level_effects(binary[others], y[others])
        self.level_effects = self._level_effects(binary, y)
        return crossed

    def _level_effects(self, binary: Matrix, y: Vector) -> Matrix:
        """Return the shrunken mean target of each level, in the column of its category."""
        effects = np.zeros((binary.shape[1], self.design.category_count), dtype=np.float32)
        levels = np.arange(len(self.design.owners))
        sums, counts = binary.T @ y, binary.sum(axis=0)
        effects[levels, self.design.owners] = (sums / (counts + LEVEL_PRIOR_ROWS))[levels]
        return effects

    def _weigh_columns(self, numbers: Matrix, binary: Matrix, y: Vector, trust: Vector) -> None:
        inputs = np.hstack([numbers, binary])
        importance = np.zeros(inputs.shape[1])
        for bag in range(self.params.bags if np.ptp(y) > 0 else 0):
            importance += column_importance(
                inputs, y, trust, seed=self.seed + bag, iterations=self.params.iterations
            )
        root = np.sqrt(importance) if importance.any() else np.ones_like(importance)
        spread = inputs.std(axis=0, dtype=np.float64)
        weights = root / root.sum() / np.where(spread > 0, spread, 1.0)
        count = numbers.shape[1]
        # What boosting never used is nothing to measure, neither here nor in the service.
        self._used_numbers = np.flatnonzero(weights[:count])
        self._used_binary = np.flatnonzero(weights[count:])
        self._number_weights = weights[:count][self._used_numbers].astype(np.float32)
        self._binary_weights = weights[count:][self._used_binary].astype(np.float32)

    def _weighted(self, numbers: Matrix, binary: Matrix) -> tuple[Matrix, Matrix]:
        return numbers[:, self._used_numbers] * self._number_weights, binary[:, self._used_binary]

    def _predict(self, X: Matrix) -> Vector:
        binary = self.design.binary(X)
        numbers = np.hstack([self.design.numbers(X), binary @ self.level_effects])
        return np.asarray(self._likeness(*self._weighted(numbers, binary)) @ self.weights)

    def _numbers_to_onnx(self, graph: "Graph", X: str) -> str:
        """Add the numbers and the effects of the levels, side by side."""
        parts = [self.design.numbers_to_onnx(graph, X)] if self.design.number_count else []
        if self.design.category_count and len(self.design.owners):
            binary = self.design.binary_to_onnx(graph, X)
            parts.append(graph.op("MatMul", binary, graph.constant(self.level_effects)))
        return graph.beside(parts)

    def _likeness(self, numbers: Matrix, binary: Matrix) -> Vector:
        from scipy.spatial.distance import cdist

        product, own = self._binary_distance(self.centres[1])
        distance = binary.astype(np.float64) @ product + own
        distance += cdist(numbers, self.centres[0], "cityblock")
        return np.asarray(np.exp(-self.params.gamma * distance))

    def _binary_distance(self, centres: Matrix) -> tuple[Matrix, Matrix]:
        """Return A of shape (q, m) and b of shape (m,): the distance of a binary row x is x A + b.

        For x and c in {0, 1}, weight * |x - c| = x * weight * (1 - 2 c) + weight * c: one product
        instead of a difference for each pair and column.
        """
        weights = self._binary_weights
        product = weights[:, None] * (1 - 2 * centres.T)
        return product.astype(np.float32), (centres @ weights).astype(np.float32)
