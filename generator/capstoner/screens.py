"""What `list`, `show` and `doctor` print, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

from capstoner import console
from capstoner.catalog import Catalog, Choice, Question, propose
from capstoner.doctor import SYSTEMS, Check


def print_catalog(catalog: Catalog, *, as_json: bool) -> None:
    """Print the capstones and the choices of their stack."""
    if as_json:
        console.print_json(
            {
                "capstones": [
                    {"name": c.value, "title": c.title, "summary": c.summary}
                    for c in catalog.capstones
                ],
                "options": [_question_as_json(question) for question in catalog.options],
            }
        )
        return
    console.table(["Capstone", "What it is"], [[c.value, c.label] for c in catalog.capstones])
    console.say()
    console.table(
        ["Option", "Choices", "What it decides"],
        [[question.name, _choices(question), question.gist] for question in catalog.options],
    )
    console.say()
    first = catalog.capstones[0].value
    console.commands(
        [
            (f"capstoner show {first}", "its questions, options and sizes"),
            (f"capstoner new {first} ../my-{first}", "make a project"),
        ]
    )


def print_capstone(catalog: Catalog, chosen: Choice, *, as_json: bool) -> None:
    """Print the questions, options and sizes of one capstone."""
    proposals = propose(catalog, {"capstone": chosen.value})
    sizes = catalog.sizes.of(chosen.value)
    if as_json:
        console.print_json(
            {
                "name": chosen.value,
                "title": chosen.title,
                "summary": chosen.summary,
                "questions": [
                    {**_question_as_json(p.question), "default": p.answer, "help": p.help}
                    for p in proposals
                ],
                "environments": [vars(size) for size in sizes],
                "measured_on": catalog.sizes.measured_on,
                "measured_with": catalog.sizes.measured_with,
            }
        )
        return
    console.say(f"{chosen.value}", "bold")
    console.say(chosen.label)
    console.say()
    console.table(
        ["Question", "Default", "What it decides"],
        [[p.question.name, console.shown(p.answer), p.help] for p in proposals],
    )
    console.say()
    console.table(
        ["Option", "Choice", "What it adds"],
        [row for proposal in proposals for row in _option_rows(proposal.question)],
    )
    if sizes:
        console.say()
        console.table(
            ["Stack", "Packages", "Download", "On disk"],
            [
                [
                    console.stack(size.answers),
                    str(size.packages),
                    console.megabytes(size.download_megabytes),
                    console.megabytes(size.disk_megabytes),
                ]
                for size in sizes
            ],
        )
        measured = f"{catalog.sizes.measured_on}, {catalog.sizes.measured_with}"
        console.say(f"The whole environment, measured {measured}.", "dim")
    console.say()
    console.commands([(f"capstoner new {chosen.value} ../my-{chosen.value}", "make a project")])


def print_checkup(checks: Sequence[Check], *, as_json: bool) -> bool:
    """Print what was found and how to get the rest; return whether all required is there."""
    lacking = [check for check in checks if not check.good]
    sound = all(check.good for check in checks if check.required)
    if as_json:
        console.print_json({"ready": sound, "checks": [vars(check) for check in checks]})
        return sound
    console.table(
        ["", "What", "Found", "Needed for"],
        [
            [
                "✓" if check.good else ("✗" if check.required else "-"),
                check.name,
                check.found,
                check.needed_for,
            ]
            for check in checks
        ],
    )
    for check in lacking:
        console.say()
        console.say(f"How to get {check.name}", "bold")
        systems = sorted(check.remedy, key=lambda name: name != platform.system())
        console.facts([(SYSTEMS[name], check.remedy[name]) for name in systems])
    console.say()
    if not lacking:
        console.done("This machine has all that every option needs.")
    elif sound:
        console.done("This machine can make and run projects; what is missing is optional.")
    else:
        missing = ", ".join(check.name for check in lacking if check.required)
        console.fail(f"Not ready yet: {missing}.")
    return sound


def _question_as_json(question: Question) -> dict[str, Any]:
    return {
        "name": question.name,
        "help": question.help,
        "multiple": question.multiple,
        "default": question.default,
        "choices": [
            {"value": choice.value, "summary": choice.label} for choice in question.choices
        ],
    }


def _option_rows(question: Question) -> list[list[str]]:
    """Return a row for each choice; choices that say nothing beyond their name share one."""
    if all(choice.label == choice.value for choice in question.choices):
        return [[question.name, _choices(question), ""]] if question.choices else []
    return [
        [question.name if number == 0 else "", choice.value, choice.summary]
        for number, choice in enumerate(question.choices)
    ]


def _choices(question: Question) -> str:
    """Return the choices in one line, as they are written after `--set`."""
    values = [choice.value for choice in question.choices]
    return f"any of {', '.join(values)}" if question.multiple else " | ".join(values)
