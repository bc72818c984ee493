"""The fields of a request, read from the service's OpenAPI document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .drawing import words

Kind = Literal["number", "integer", "choice", "boolean", "date", "text"]

LONG_TEXT = 300  # characters that a field takes; beyond it gets several lines


@dataclass(frozen=True)
class Field:
    """One field.

    Attributes
    ----------
    name : str
        As the service calls it.
    kind : Kind
        How a person enters it.
    required : bool
        Whether the service refuses a request without it.
    description : str
        What the service says about it.
    choices : tuple[str, ...]
        The known values of a choice.
    closed : bool
        Whether the service takes no other value than these.
    long : bool
        Whether it takes text of several lines.
    """

    name: str
    kind: Kind
    required: bool
    description: str = ""
    choices: tuple[str, ...] = ()
    closed: bool = False
    long: bool = False

    @property
    def label(self) -> str:
        """Return the name in words: `Lot_Area` is `Lot Area`."""
        return words(self.name)

    @property
    def hint(self) -> str:
        """Return the description in few words: forms have little room."""
        text = self.description.removeprefix("A number, in training ").strip()
        text = "" if self.kind == "choice" and not self.closed else text
        text = text[:1].upper() + text[1:]
        return text if self.required or "May be missing." in text else f"{text} Optional.".strip()


def read_fields(document: Mapping[str, Any]) -> list[Field]:
    """Read the fields of one prediction request, in their order.

    Parameters
    ----------
    document : Mapping[str, Any]
        What `/openapi.json` answers.

    Raises
    ------
    KeyError, IndexError, TypeError
        When the document is not that of this family's service.
    """
    operation = document["paths"]["/v1/predict"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    request = _resolved(schema["anyOf"][0], document)
    required = set(request.get("required", ()))
    return [
        _field(name, _resolved(kind, document), name in required)
        for name, kind in request["properties"].items()
    ]


def request_of(fields: Sequence[Field], values: Sequence[Any]) -> dict[str, Any]:
    """Return the request that the inputs stand for; what is left empty is left out.

    Parameters
    ----------
    fields : Sequence[Field]
        As they were read.
    values : Sequence[Any]
        What the inputs hold, in the same order.
    """
    given = zip(fields, values, strict=True)
    return {field.name: _sent(field, value) for field, value in given if not _is_empty(value)}


def order_by_effect(
    fields: Sequence[Field], contributions: Sequence[Mapping[str, Any]]
) -> list[Field]:
    """Put those fields first that move a prediction most; the others keep their order."""
    effects = {each["field"]: abs(each["effect"]) for each in contributions}
    return sorted(fields, key=lambda field: -effects.get(field.name, 0.0))


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: Mapping[str, Any] = document["components"]["schemas"][name]
    return found


def _field(name: str, schema: Mapping[str, Any], required: bool) -> Field:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    merged = {**schema, **(kinds[0] if kinds else {})}
    allowed = merged.get("enum", ())
    # An API offers the levels of a category as examples: others are taken too.
    known = allowed or merged.get("examples") or ()
    kind: Kind = "text"
    match merged.get("type"):
        case "number":
            kind = "number"
        case "integer":
            kind = "integer"
        case "boolean":
            kind = "boolean"
        case "string" if merged.get("format") == "date":
            kind = "date"
        case "string" if allowed or len(known) > 1:
            kind = "choice"
    return Field(
        name,
        kind,
        required,
        description=merged.get("description", ""),
        choices=tuple(str(each) for each in known) if kind == "choice" else (),
        closed=bool(allowed),
        long=merged.get("maxLength", 0) > LONG_TEXT,
    )


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _sent(field: Field, value: Any) -> Any:
    if field.kind == "boolean":
        return value in (True, "yes")
    # Spaces of a level belong to it: it is sent as it stands.
    return value.strip() if field.kind == "date" else value
