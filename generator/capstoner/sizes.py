"""What environments weigh: whole stacks as measured, and what each choice adds to the lightest."""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from capstoner.errors import CapstonerError

SIZES = "templates/sizes.toml"


class Weight(NamedTuple):
    """What is installed: packages, megabytes of download, megabytes on disk."""

    packages: int
    download_megabytes: int
    disk_megabytes: int


@dataclass(frozen=True)
class Stack:
    """A whole stack: its answers, its environment, and the seconds of its demo on embedded data."""

    capstone: str
    preset: str
    answers: Mapping[str, Any]
    weight: Weight
    demo_seconds: int


@dataclass(frozen=True)
class Addition:
    """What one choice alone adds to the lightest stack."""

    capstone: str
    question: str
    choice: str
    weight: Weight


@dataclass(frozen=True)
class Estimate:
    """What a stack will weigh: as measured, or the lightest and what each choice adds to it."""

    weight: Weight
    measured: bool
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sizes:
    """The measurements, and where and when they were made."""

    measured_on: str = ""
    measured_with: str = ""
    stacks: tuple[Stack, ...] = ()
    additions: tuple[Addition, ...] = ()

    def of(self, capstone: str) -> list[Stack]:
        """Return the measured stacks of a capstone, the lightest first."""
        return [stack for stack in self.stacks if stack.capstone == capstone]

    def adds(self, capstone: str, question: str, choice: str) -> Weight | None:
        """Return what a choice adds to the lightest stack; None where that was not measured."""
        for stack in self.of(capstone)[:1]:
            if (question, choice) in _choices(stack.answers):
                return Weight(0, 0, 0)
        for addition in self.additions:
            if (addition.capstone, addition.question, addition.choice) == (
                capstone,
                question,
                choice,
            ):
                return addition.weight
        return None

    def estimate(self, capstone: str, answers: Mapping[str, Any]) -> Estimate | None:
        """Tell what the stack with these answers weighs; None for a capstone never measured.

        Answers to questions that no measured stack names are taken to weigh nothing.
        """
        stacks = self.of(capstone)
        if not stacks:
            return None
        decisive = {question for stack in stacks for question in stack.answers}
        asked = {name: value for name, value in answers.items() if name in decisive}
        heavy = self._heavy(capstone, asked)
        for stack in stacks:
            if self._heavy(capstone, stack.answers) == heavy:
                return Estimate(stack.weight, measured=True)
        known = [weight for weight in heavy.values() if weight]
        return Estimate(
            Weight(*map(sum, zip(stacks[0].weight, *known, strict=True))),
            measured=False,
            unknown=tuple(choice for (_, choice), weight in heavy.items() if weight is None),
        )

    def _heavy(
        self, capstone: str, answers: Mapping[str, Any]
    ) -> dict[tuple[str, str], Weight | None]:
        """Return the choices that add packages, or may do so because nobody has measured them."""
        weights = {pair: self.adds(capstone, *pair) for pair in _choices(answers)}
        return {pair: weight for pair, weight in weights.items() if weight is None or any(weight)}


def parse(text: str) -> Sizes:
    """Read the table of sizes.

    Raises
    ------
    CapstonerError
        If it is damaged.
    """
    try:
        table = tomllib.loads(text)
        measured_on = table["measured_on"]
        if not isinstance(measured_on, datetime.date):
            raise TypeError("measured_on is no date")
        return Sizes(
            measured_on=str(measured_on),
            measured_with=str(table["measured_with"]),
            stacks=tuple(
                Stack(
                    row["capstone"],
                    row["preset"],
                    row["answers"],
                    _weight(row),
                    row["demo_seconds"],
                )
                for row in table["stack"]
            ),
            additions=tuple(
                Addition(row["capstone"], row["question"], row["choice"], _weight(row))
                for row in table.get("addition", [])
            ),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise CapstonerError(f"{SIZES} of the template cannot be read: {error}.") from error


def _weight(row: Mapping[str, Any]) -> Weight:
    return Weight(*(int(row[name]) for name in Weight._fields))


def _choices(answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return each choice of some answers by itself."""
    return [
        (question, str(choice))
        for question, answer in answers.items()
        for choice in (answer if isinstance(answer, list) else [answer])
    ]
