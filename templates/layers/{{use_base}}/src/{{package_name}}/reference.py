"""How the training data were distributed, as counts in a few bins, to compare later data with.

It works on plain columns and knows no model. A value is only ever kept as the number of its bin:

- bin 0 is missing;
- a number's bin 1 is below all of the training data, the last one above them, and those between
  hold about equally many training rows each (a number with few values has a bin for each);
- a category has a bin for each common level, then one for its rare levels together, and a last one
  for levels that training never saw.
"""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

REFERENCE_FILE = "reference.json"
# More bins would show finer changes, but need more rows to tell them from chance.
NUMBER_BINS = 10
COMMON_LEVELS = 20

Bins = NDArray[np.int16]
Role = Literal["input", "prediction"]


class _Field(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Role
    counts: list[int]


class NumberField(_Field):
    """A number, or a date as its day.

    Attributes
    ----------
    kind : {"number", "date"}
        How the edges are to be read; a date's are proleptic days, 1 is the first day of year 1.
    minimum : float or None
        The smallest training value; None where every value was missing.
    edges : list[float]
        The upper, included ends of the bins between the first and the last, ascending.
    counts : list[int]
        Training rows in each bin.
    """

    kind: Literal["number", "date"]
    minimum: float | None
    edges: list[float]

    @classmethod
    def of(
        cls,
        name: str,
        values: Sequence[Any],
        kind: Literal["number", "date"] = "number",
        role: Role = "input",
    ) -> Self:
        """Describe a column; None and NaN are missing."""
        numbers = _numbers(values, kind)
        present = numbers[np.isfinite(numbers)]
        edges = np.unique(present)
        if len(edges) > NUMBER_BINS:
            ends = np.arange(1, NUMBER_BINS + 1) / NUMBER_BINS
            edges = np.unique(np.quantile(present, ends, method="inverted_cdf"))
        empty = cls(
            name=name,
            role=role,
            kind=kind,
            minimum=float(present.min()) if len(present) else None,
            edges=edges.tolist(),
            counts=[],
        )
        return empty.model_copy(update={"counts": empty.count(empty.bins(values))})

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.edges) + 3

    @cached_property
    def _edges(self) -> NDArray[np.float64]:
        return np.array(self.edges, dtype=np.float64)

    def bins(self, values: Sequence[Any]) -> Bins:
        """Return the number of each value's bin."""
        numbers = _numbers(values, self.kind)
        found = np.searchsorted(self._edges, numbers, side="left") + 2
        if self.minimum is not None:
            found[numbers < self.minimum] = 1
        found[np.isnan(numbers)] = 0
        return found.astype(np.int16)

    def count(self, bins: Bins) -> list[int]:
        """Return how many rows are in each bin."""
        return [int(count) for count in np.bincount(bins, minlength=self.size)]

    @property
    def unseen(self) -> list[int]:
        """The bins of values that training never saw."""
        return [1, self.size - 1]

    @property
    def labels(self) -> list[str]:
        """What each bin is called."""
        if self.minimum is None:
            return ["missing", "below", "present"]
        names = ["missing", f"below {self._show(self.minimum)}"]
        low = self.minimum
        for place, edge in enumerate(self.edges):
            shown = self._show(edge)
            names.append(
                shown if low == edge or self._one_value_a_bin else f"{self._show(low)} to {shown}"
            )
            low = self.edges[place]
        return [*names, f"above {self._show(self.edges[-1])}"]

    @property
    def _one_value_a_bin(self) -> bool:
        return len(self.edges) < NUMBER_BINS and all(edge.is_integer() for edge in self.edges)

    def _show(self, number: float) -> str:
        if self.kind == "date":
            return date.fromordinal(int(number)).isoformat()
        return f"{number:,.0f}" if abs(number) >= 10_000 else f"{number:.4g}"


class CategoryField(_Field):
    """A category.

    Attributes
    ----------
    levels : list[str]
        The common levels, the commonest first.
    rare : list[str]
        The other levels of the training data.
    counts : list[int]
        Training rows in each bin.
    """

    kind: Literal["category"] = "category"
    levels: list[str]
    rare: list[str]

    @classmethod
    def of(cls, name: str, values: Sequence[Any], role: Role = "input") -> Self:
        """Describe a column of text; None and NaN are missing."""
        found = Counter(value for value in values if isinstance(value, str))
        ordered = sorted(found, key=lambda level: (-found[level], level))
        empty = cls(
            name=name,
            role=role,
            levels=ordered[:COMMON_LEVELS],
            rare=sorted(ordered[COMMON_LEVELS:]),
            counts=[],
        )
        return empty.model_copy(update={"counts": empty.count(empty.bins(values))})

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.levels) + 3

    @cached_property
    def _codes(self) -> dict[str, int]:
        rare = len(self.levels) + 1
        return {level: code for code, level in enumerate(self.levels, start=1)} | dict.fromkeys(
            self.rare, rare
        )

    def bins(self, values: Sequence[Any]) -> Bins:
        """Return the number of each value's bin."""
        codes, unseen = self._codes, self.size - 1
        return np.fromiter(
            (codes.get(value, unseen) if isinstance(value, str) else 0 for value in values),
            dtype=np.int16,
            count=len(values),
        )

    def count(self, bins: Bins) -> list[int]:
        """Return how many rows are in each bin."""
        return [int(count) for count in np.bincount(bins, minlength=self.size)]

    @property
    def unseen(self) -> list[int]:
        """The bins of values that training never saw."""
        return [self.size - 1]

    @property
    def labels(self) -> list[str]:
        """What each bin is called."""
        return ["missing", *self.levels, "(rare levels)", "(never seen)"]


AnyField = Annotated[NumberField | CategoryField, Field(discriminator="kind")]


class Reference(BaseModel):
    """The training data's distribution, field by field, in the order in which rows are watched.

    The inputs are those of the rows that were trained on. The predictions are those for rows that
    were held out: for its own training rows a model predicts more surely than for any others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    fields: list[AnyField]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved reference; ValidationError when it is none."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def save(self, folder: Path) -> None:
        """Write the reference into a draft of an artefact."""
        text = self.model_dump_json(indent=1) + "\n"
        (folder / REFERENCE_FILE).write_text(text, encoding="utf-8", newline="\n")

    def bins(self, rows: Sequence[Sequence[Any]]) -> Bins:
        """Return the bin of each value.

        Parameters
        ----------
        rows : Sequence[Sequence[Any]]
            At least one, each with a value for each field.

        Returns
        -------
        ndarray of int16, shape (rows, fields)
        """
        columns = zip(*rows, strict=True)
        pairs = zip(self.fields, columns, strict=True)
        return np.column_stack([field.bins(column) for field, column in pairs])


def _numbers(values: Sequence[Any], kind: str) -> NDArray[np.float64]:
    if kind == "date":
        values = [value.toordinal() if isinstance(value, date) else math.nan for value in values]
    return np.array(values, dtype=np.float64)  # None becomes NaN.
