"""From rows to numbers: the one preprocessing that training and serving share.

It only looks things up in the schema. Whatever is learned from data (imputation, scaling, one-hot
columns, weights) belongs to the model, so that cross-validation learns it inside each fold.
"""

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .schema import Column, Feature, Schema

EPOCH = date(1970, 1, 1).toordinal()
UNSEEN = -1.0

Encode = Callable[[Any], float]


class Encoder:
    """Encodes rows for a model.

    Parameters
    ----------
    schema : Schema
        Of the training data.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        places = {feature.name: place for place, feature in enumerate(schema.features)}
        self._columns = [
            (places[column.feature], _encode(column, schema.features[places[column.feature]]))
            for column in schema.columns
        ]

    def __call__(self, rows: Sequence[Sequence[Any]]) -> NDArray[np.float32]:
        """Encode rows.

        Parameters
        ----------
        rows : Sequence[Sequence[Any]]
            Each row has the values in the order of `schema.features`; None is missing.

        Returns
        -------
        ndarray of float32, shape (n, d)
            One column for each of `schema.columns`; a missing number is NaN.
        """
        matrix = np.empty((len(rows), len(self._columns)), dtype=np.float32)
        for number, row in enumerate(rows):
            matrix[number] = [encode(row[place]) for place, encode in self._columns]
        return matrix


def _encode(column: Column, feature: Feature) -> Encode:
    if feature.kind == "number":
        return _number
    if feature.kind == "category":
        codes = {level: float(code) for code, level in enumerate(feature.categories)}
        missing = UNSEEN if feature.required else float(len(codes))
        return lambda value: missing if value is None else codes.get(value, UNSEEN)
    part = _DATE_PARTS[column.name.rpartition(":")[2]]
    return lambda value: math.nan if value is None else part(as_date(value))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def as_date(value: date | str) -> date:
    """Return the day of a date, a time, or an ISO 8601 text; ValueError when it is none."""
    day = datetime.fromisoformat(value) if isinstance(value, str) else value
    return day.date() if isinstance(day, datetime) else day


_DATE_PARTS: dict[str, Callable[[date], float]] = {
    "days_since_1970": lambda day: float(day.toordinal() - EPOCH),
    "month": lambda day: float(day.month),
    "weekday": lambda day: float(day.weekday()),
}
