"""What `list`, `show` and `doctor` print, for people and for programs."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import Any

from capstoner import console
from capstoner.catalog import Catalog, Choice, Question, propose
from capstoner.doctor import SYSTEMS, Check
from capstoner.effects import added_files
from capstoner.files import Files
from capstoner.sizes import Weight


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
                "presets": [
                    {"name": preset.name, "summary": preset.summary} for preset in catalog.presets
                ],
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
    console.table(
        ["Preset", "What it answers for you"],
        [[preset.name, preset.summary] for preset in catalog.presets],
    )
    console.say()
    first = catalog.capstones[0].value
    console.commands(
        [
            (f"capstoner show {first}", "its questions, options and sizes"),
            (f"capstoner new {first} ../my-{first}", "make a project"),
            (f"capstoner new {first} ../my-{first} --preset minimal", "ask only about you"),
        ]
    )


def print_capstone(catalog: Catalog, files: Files, chosen: Choice, *, as_json: bool) -> None:
    """Print the questions of one capstone, and what each choice and each preset weighs."""
    proposals = propose(catalog, {"capstone": chosen.value})
    stacks = catalog.sizes.of(chosen.value)
    fitting = {proposal.question.name for proposal in proposals}
    added = {
        (question, choice): count
        for (question, choice), count in added_files(catalog, files, chosen.value).items()
        if question in fitting
    }
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
                "additions": [
                    {"question": question, "choice": choice, "files": count}
                    | _weight_as_json(catalog.sizes.adds(chosen.value, question, choice))
                    for (question, choice), count in added.items()
                ],
                "presets": [
                    {
                        "name": stack.preset,
                        "answers": stack.answers,
                        "demo_seconds": stack.demo_seconds,
                        **_weight_as_json(stack.weight),
                    }
                    for stack in stacks
                ],
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
        ["Option", "Choice", "What it is"],
        [row for proposal in proposals for row in _option_rows(proposal.question)],
    )
    console.say()
    console.table(
        ["What a choice adds", "Files", "Packages", "Download", "On disk"],
        [
            [
                f"{question}={choice}",
                f"+{count}" if count else "-",
                *_weight_cells(catalog.sizes.adds(chosen.value, question, choice)),
            ]
            for (question, choice), count in added.items()
        ],
    )
    if stacks:
        console.say()
        console.table(
            ["Preset", "Stack", "Packages", "Download", "On disk", "Demo"],
            [
                [
                    stack.preset,
                    console.stack(stack.answers),
                    str(stack.weight.packages),
                    console.megabytes(stack.weight.download_megabytes),
                    console.megabytes(stack.weight.disk_megabytes),
                    f"{stack.demo_seconds} s",
                ]
                for stack in stacks
            ],
        )
        measured = f"{catalog.sizes.measured_on}, {catalog.sizes.measured_with}"
        console.say(f"A choice is weighed alone, on top of {stacks[0].preset}.", "dim")
        console.say(
            "Demo: train, evaluate, serve and ask on the embedded data, packages installed.", "dim"
        )
        console.say(f"Measured {measured}.", "dim")
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


def _weight_as_json(weight: Weight | None) -> dict[str, int | None]:
    return dict(weight._asdict()) if weight else dict.fromkeys(Weight._fields)


def _weight_cells(weight: Weight | None) -> list[str]:
    """Return the cells for what a choice adds; it may also lighten the environment."""
    if weight is None:
        return ["not measured yet", "", ""]
    if not any(weight):
        return ["-", "-", "-"]
    amounts = [str(abs(weight.packages)), *(console.megabytes(abs(size)) for size in weight[1:])]
    signs = ["-" if value < 0 else "+" for value in weight]
    return [sign + amount for sign, amount in zip(signs, amounts, strict=True)]


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
