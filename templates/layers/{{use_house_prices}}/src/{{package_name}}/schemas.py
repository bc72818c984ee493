"""What a client sends and gets. The request is built from the schema of the training data."""

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from .schema import Feature, Schema

# Beyond this float32, which the model computes in, is infinite.
LARGEST = 1e30
# Strict: `true` and "12" are no numbers.
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False, strict=True)]
Category = Annotated[str, Field(max_length=200)]


class Contribution(BaseModel):
    """How much one field moved the prediction, against a house that is typical in this field.

    Attributes
    ----------
    field : str
        The name of the field.
    value, typical : float, str or None
        What was sent, and what replaced it for comparison: the median or the commonest level.
    effect : float
        Prediction with the value minus prediction with the typical one, in the target's unit.
    """

    field: str
    value: float | str | None
    typical: float | str | None
    effect: float


class Response(BaseModel):
    """A prediction with its interval, in the target's unit.

    Attributes
    ----------
    prediction : float
        The point prediction.
    lower, upper : float
        The interval that holds the true value with probability `coverage`, over rows like those
        of the training data.
    coverage : float
        Between 0 and 1.
    warnings : list[str]
        What makes this answer less certain than others: values that training never saw.
    contributions : list[Contribution] or None
        The largest first; only when asked for.
    model : str
        The id of the artefact that answered.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "prediction": 172500.0,
                "lower": 147300.0,
                "upper": 202000.0,
                "coverage": 0.9,
                "warnings": [],
                "contributions": None,
                "model": "20261122T193309Z-1a2b3c4d",
            }
        }
    )

    prediction: float
    lower: float
    upper: float
    coverage: float
    warnings: list[str] = []
    contributions: list[Contribution] | None = None
    model: str

    def headline(self) -> str:
        """Return the answer in one sentence."""
        decimals = 0 if max(abs(self.lower), abs(self.upper)) >= 1_000 else 2
        prediction, lower, upper = (
            f"{number:,.{decimals}f}" for number in (self.prediction, self.lower, self.upper)
        )
        return f"{prediction}, and with {self.coverage:.0%} confidence between {lower} and {upper}"


def request_model(schema: Schema, example: dict[str, Any]) -> type[BaseModel]:
    """Build the model of a request.

    Parameters
    ----------
    schema : Schema
        A field that was present in every training row is required. The order of the fields is kept.
    example : dict[str, Any]
        One real row, shown in the API's documentation.

    Returns
    -------
    type[BaseModel]
        Unknown fields, NaN and infinity are refused; a category that training never saw is taken.
    """
    # Any header is a name in a table, but not in Python: each field has a plain name and an alias.
    fields: dict[str, Any] = {
        f"field_{place}": _field(feature) for place, feature in enumerate(schema.features)
    }
    config = ConfigDict(extra="forbid", json_schema_extra={"example": example})
    return create_model("PredictionRequest", __config__=config, **fields)


def values(request: BaseModel) -> list[Any]:
    """Return the values of a request in the order of the schema's features."""
    return list(request.__dict__.values())


def _field(feature: Feature) -> tuple[Any, Any]:
    examples = None
    match feature.kind:
        case "number":
            kind: Any = Number
            described = f"A number, in training from {feature.minimum:g} to {feature.maximum:g}."
        case "category":
            kind = Category
            described = "A category; one that training never saw is taken with a warning."
            examples = feature.categories
        case "date":
            kind = date
            described = "A date, as in 2026-11-22."
    if feature.required:
        return kind, Field(alias=feature.name, description=described, examples=examples)
    described += " May be missing."
    field = Field(default=None, alias=feature.name, description=described, examples=examples)
    return kind | None, field
