"""From the encoded matrix to the numbers that a model computes with, learned in the fold."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from .errors import UserError
from .schema import Column

if TYPE_CHECKING:
    from .export_onnx import Graph

Matrix = NDArray[np.float32]
Positions = NDArray[np.int64]

# Of a category with more levels, so many of the commonest get a one-hot column; the others, like a
# level that training never saw, are none of them.
MAX_LEVELS = 50
# Beyond this skewness a linear model sees the logarithm of a column that is never negative.
MAX_SKEWNESS = 0.75


class Design:
    """Fills gaps, makes categories one-hot and, if asked, brings numbers to a common scale.

    Parameters
    ----------
    columns : Sequence[Column]
        What the d columns of the encoded matrix mean.
    standardise : bool
        For models that add up or measure distances: numbers are held within their range in
        training, skewed ones are replaced by their logarithm, and all get mean 0 and standard
        deviation 1. Trees need none of it.
    """

    def __init__(self, columns: Sequence[Column], *, standardise: bool = False) -> None:
        kinds = np.array([column.kind for column in columns])
        self._number_columns: Positions = np.flatnonzero(kinds == "number")
        self._category_columns: Positions = np.flatnonzero(kinds == "category")
        self._standardise = standardise

    def fit(self, X: Matrix) -> Self:
        """Learn from encoded rows, shape (n, d)."""
        numbers = X[:, self._number_columns]
        missing = np.isnan(numbers)
        self._gap_columns = self._number_columns[missing.any(axis=0)]
        self._level_columns, self._levels = _frequent_levels(X, self._category_columns)
        self._fill = _medians(numbers)
        if self._standardise:
            self._fit_scale(np.where(missing, self._fill, numbers))
        self.number_count = len(self._number_columns)
        # For each one-hot column, the place of its category among the categories.
        self.owners: Positions = np.searchsorted(self._category_columns, self._level_columns)
        self.category_count = len(self._category_columns)
        # For each column of the result, the column of the encoded matrix that it comes from.
        self.origins: Positions = np.concatenate(
            [self._number_columns, self._level_columns, self._gap_columns]
        )
        if not len(self.origins):
            raise UserError(
                "No column is left to learn from: each is the same in all of these rows.",
                "Give more rows, or more columns.",
            )
        return self

    def transform(self, X: Matrix) -> Matrix:
        """Return numbers, one-hot levels and gaps side by side, shape (n, width)."""
        result = self._empty(len(X), len(self.origins))
        result[:, : self.number_count] = self.numbers(X)
        self._fill_binary(X, result[:, self.number_count :])
        return result

    def numbers(self, X: Matrix) -> Matrix:
        """Return the numbers without gaps, shape (n, p)."""
        numbers = X[:, self._number_columns]
        numbers = np.where(np.isnan(numbers), self._fill, numbers)
        if self._standardise:
            numbers = np.minimum(np.maximum(numbers, self._low), self._high)
            logarithm = np.log(np.maximum(numbers, np.float32(0)) + np.float32(1))
            numbers = np.where(self._skewed, logarithm, numbers)
            numbers = (numbers - self._centre) * self._factor
        return numbers.astype(np.float32, copy=False)

    def binary(self, X: Matrix) -> Matrix:
        """Return 1 where a row has a level or a number is missing, else 0, shape (n, q)."""
        result = self._empty(len(X), len(self._levels) + len(self._gap_columns))
        self._fill_binary(X, result)
        return result

    def to_onnx(self, graph: "Graph", X: str) -> str:
        """Add `transform` to a graph; return the name of the result."""
        parts = [self.numbers_to_onnx(graph, X)] if len(self._number_columns) else []
        if len(self._level_columns) + len(self._gap_columns):
            parts.append(self.binary_to_onnx(graph, X))
        return graph.beside(parts)

    def numbers_to_onnx(self, graph: "Graph", X: str) -> str:
        """Add `numbers` to a graph; return the name of the result."""
        numbers = graph.columns(X, self._number_columns)
        fill = graph.constant(self._fill)
        numbers = graph.op("Where", graph.op("IsNaN", numbers), fill, numbers)
        if not self._standardise:
            return numbers
        numbers = graph.op("Max", numbers, graph.constant(self._low))
        numbers = graph.op("Min", numbers, graph.constant(self._high))
        if self._skewed.any():
            positive = graph.op("Max", numbers, graph.number(0))
            logarithm = graph.op("Log", graph.op("Add", positive, graph.number(1)))
            numbers = graph.op("Where", graph.constant(self._skewed), logarithm, numbers)
        numbers = graph.op("Sub", numbers, graph.constant(self._centre))
        return graph.op("Mul", numbers, graph.constant(self._factor))

    def binary_to_onnx(self, graph: "Graph", X: str) -> str:
        """Add `binary` to a graph; return the name of the result."""
        parts = []
        if len(self._level_columns):
            found = graph.columns(X, self._level_columns)
            parts.append(graph.op("Equal", found, graph.constant(self._levels)))
        if len(self._gap_columns):
            parts.append(graph.op("IsNaN", graph.columns(X, self._gap_columns)))
        return graph.cast(graph.beside(parts), np.float32)

    @staticmethod
    def _empty(rows: int, columns: int) -> Matrix:
        # Column by column in memory: that is how it is filled and how boosting reads it.
        return np.empty((rows, columns), dtype=np.float32, order="F")

    def _fill_binary(self, X: Matrix, result: Matrix) -> None:
        # One column at a time: of a million rows, a second copy of all would not fit.
        for place, (column, level) in enumerate(
            zip(self._level_columns, self._levels, strict=True)
        ):
            result[:, place] = X[:, column] == level
        for place, column in enumerate(self._gap_columns, start=len(self._levels)):
            result[:, place] = np.isnan(X[:, column])

    def _fit_scale(self, numbers: Matrix) -> None:
        self._low, self._high = numbers.min(axis=0), numbers.max(axis=0)
        self._skewed = (self._low >= 0) & (_skewness(numbers) > MAX_SKEWNESS)
        scaled = np.where(self._skewed, np.log1p(np.maximum(numbers, 0)), numbers)
        # In double: single precision loses the spread of a column of large, close values.
        scaled = scaled.astype(np.float64)
        spread = scaled.std(axis=0)
        self._centre = scaled.mean(axis=0).astype(np.float32)
        self._factor = (1 / np.where(spread > 0, spread, 1.0)).astype(np.float32)


def _frequent_levels(X: Matrix, columns: Positions) -> tuple[Positions, Matrix]:
    """Return for each one-hot column where it looks, and the code that it looks for."""
    pairs = []
    for column in columns:
        codes, counts = np.unique(X[:, column], return_counts=True)
        enough = (codes >= 0) & (counts < len(X))
        codes, counts = codes[enough], counts[enough]
        commonest = np.sort(np.argsort(-counts, kind="stable")[:MAX_LEVELS])
        pairs += [(column, code) for code in codes[commonest]]
    where = np.array([column for column, _ in pairs], dtype=np.int64)
    return where, np.array([code for _, code in pairs], dtype=np.float32)


def _medians(numbers: Matrix) -> Matrix:
    """Return the median of each column, 0 where every value is missing."""
    medians = [
        np.median(present) if (present := column[~np.isnan(column)]).size else 0.0
        for column in numbers.T
    ]
    return np.array(medians, dtype=np.float32)


def _skewness(numbers: Matrix) -> NDArray[np.float64]:
    """Return the third standardised moment of each column, 0 for a constant one."""
    centred = numbers.astype(np.float64) - numbers.mean(axis=0, dtype=np.float64)
    spread = centred.std(axis=0)
    return np.asarray((centred**3).mean(axis=0) / np.where(spread > 0, spread, 1.0) ** 3)
