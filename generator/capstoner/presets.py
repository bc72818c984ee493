"""Presets: one word that answers all questions of the stack, by rules that the template states."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capstoner.errors import CapstonerError

if TYPE_CHECKING:
    from capstoner.catalog import Question

PRESETS = "templates/presets.toml"

# The rules. A question that takes one answer offers the richest first and the lightest last.
_ONE: dict[str, Callable[[Question, Any], Any]] = {
    "first": lambda question, default: question.choices[0].value,
    "last": lambda question, default: question.choices[-1].value,
    "default": lambda question, default: default,
}
_SEVERAL: dict[str, Callable[[Question, Any], Any]] = {
    "all": lambda question, default: [choice.value for choice in question.choices],
    "none": lambda question, default: [],
    "default": lambda question, default: default,
}


@dataclass(frozen=True)
class Preset:
    """One preset, as the template states it.

    Parameters
    ----------
    name, summary
        What a person types, and what it gives.
    one, several
        The rule for questions that take one answer, and for those that take several.
    """

    name: str
    summary: str
    one: str
    several: str

    def answer(self, question: Question, default: Any) -> Any:
        """Return its answer to a question of the stack, whose own default is given."""
        rule = _SEVERAL[self.several] if question.multiple else _ONE[self.one]
        return rule(question, default)


@dataclass(frozen=True)
class Presets:
    """All presets, the lightest first, and the questions with choices that they leave alone."""

    presets: tuple[Preset, ...] = ()
    personal: frozenset[str] = field(default_factory=frozenset)


def parse(text: str) -> Presets:
    """Read the presets of a template.

    Raises
    ------
    CapstonerError
        If the file is damaged or names a rule that does not exist.
    """
    try:
        table = tomllib.loads(text)
        presets = tuple(Preset(name, **row) for name, row in table["preset"].items())
        for preset in presets:
            _ONE[preset.one], _SEVERAL[preset.several]
        return Presets(presets, frozenset(table["personal"]))
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise CapstonerError(f"{PRESETS} of the template cannot be read: {error}.") from error
