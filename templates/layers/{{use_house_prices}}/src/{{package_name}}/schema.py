"""What a table looks like: the fields of a row, and the columns of the matrix that a model sees.

It is inferred once from the training data, saved beside the model, and rules training and serving.
"""

from functools import cached_property
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

# One date becomes these numbers; a model can find a trend in the first and a season in the others.
DATE_PARTS = ("days_since_1970", "month", "weekday")


class Feature(BaseModel):
    """One field of a row.

    Attributes
    ----------
    name : str
        As in the header of the table.
    kind : {"number", "category", "date"}
        How it is read; a date is written as ISO 8601.
    required : bool
        Whether it was present in every training row.
    categories : list[str]
        The levels of a category, in order of their codes.
    typical : float or str or None
        The median of a number, the commonest category, the median date: what stands in for the
        field when its contribution is measured.
    minimum, maximum : float or None
        The range of a number in the training data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    kind: Literal["number", "category", "date"]
    required: bool
    categories: list[str] = []
    typical: float | str | None = None
    minimum: float | None = None
    maximum: float | None = None


class Column(BaseModel):
    """One column of the encoded matrix.

    A category holds codes from 0 to `levels` - 1, and -1 for a level that training never saw. Where
    a category can be missing, that is a level of its own: the last code.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    feature: str
    kind: Literal["number", "category"]
    levels: int = 0


class Schema(BaseModel):
    """The target, and the features in the order of the matrix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    features: list[Feature]

    @cached_property
    def columns(self) -> list[Column]:
        """The columns of the matrix that `encoding.encode` makes."""
        columns = []
        for feature in self.features:
            if feature.kind == "date":
                columns += [
                    Column(name=f"{feature.name}:{part}", feature=feature.name, kind="number")
                    for part in DATE_PARTS
                ]
            else:
                levels = len(feature.categories) + (not feature.required)
                columns.append(
                    Column(
                        name=feature.name,
                        feature=feature.name,
                        kind=feature.kind,
                        levels=levels if feature.kind == "category" else 0,
                    )
                )
        return columns

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a saved schema."""
        return cls.model_validate_json(path.read_text(encoding="utf-8"))

    def save(self, path: Path) -> None:
        """Write the schema as JSON."""
        path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8", newline="\n")
