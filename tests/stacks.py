"""The matrix: enough stacks that every two choices of a person meet in one of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

Render = Callable[..., Path]

CAPSTONES = ["house-prices", "sign-language"]
# The options that decide which files a project holds: one answer, or any of the answers.
ONE_OF = {
    "tracking": ["mlflow", "none"],
    "framework": ["keras", "pytorch"],
    "accelerator": ["cuda", "cpu"],
    "ui": ["gradio", "none"],
}
ANY_OF = {
    "boosters": ["catboost", "xgboost", "lightgbm"],
    "ops": ["docker", "github-actions", "gitlab-ci", "devcontainer", "notebooks", "monitoring"],
}

# Questions that not every capstone asks.
ASKED_FOR = {
    "boosters": ["house-prices"],
    "framework": ["sign-language"],
    "accelerator": ["sign-language"],
}

# A choice as one fact: `("tracking", "mlflow")`, or `("ops:docker", True)`.
Fact = tuple[str, str | bool]
DRAWN = 200


def stacks() -> list[dict[str, Any]]:
    """Return for each capstone everything, nothing, and as many mixtures as all pairs take."""
    return [
        {"capstone": capstone, **_answers(facts)}
        for capstone in CAPSTONES
        for facts in _mixtures(capstone)
    ]


def everything(capstone: str = CAPSTONES[0]) -> dict[str, Any]:
    """Return the stack with the first of each choice and all of what can be combined."""
    return {"capstone": capstone, **_answers(_mixtures(capstone)[0])}


def nothing(capstone: str = CAPSTONES[0]) -> dict[str, Any]:
    """Return the stack with the last of each choice and none of what can be combined."""
    return {"capstone": capstone, **_answers(_mixtures(capstone)[1])}


def asked(capstone: str, questions: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the questions, of these, that a capstone asks."""
    return {
        question: choices
        for question, choices in questions.items()
        if capstone in ASKED_FOR.get(question, CAPSTONES)
    }


def stack_name(stack: Mapping[str, Any]) -> str:
    """Return the name of a stack's test."""
    words = [stack["capstone"]]
    for question, answer in stack.items():
        if question in ONE_OF:
            words.append(f"{question}={answer}")
        elif question in ANY_OF:
            words.append(f"{question}={'+'.join(answer) or 'none'}")
    return " ".join(words)


def _factors(capstone: str) -> dict[str, list[Any]]:
    return asked(capstone, ONE_OF) | {
        f"{question}:{choice}": [True, False]
        for question, choices in asked(capstone, ANY_OF).items()
        for choice in choices
    }


def _mixtures(capstone: str) -> list[dict[str, Any]]:
    """Draw stacks, each the best of many, until all pairs occur; the same on every machine."""
    factors = _factors(capstone)
    chosen = [
        {name: values[0] for name, values in factors.items()},
        {name: values[-1] for name, values in factors.items()},
    ]
    open_pairs: set[frozenset[Fact]] = set()
    for one, other in itertools.combinations(factors, 2):
        for values in itertools.product(factors[one], factors[other]):
            open_pairs.add(frozenset({(one, values[0]), (other, values[1])}))
    random = Random(0)
    while open_pairs := open_pairs.difference(*map(_pairs, chosen)):
        drawn = [
            {name: random.choice(values) for name, values in factors.items()} for _ in range(DRAWN)
        ]
        chosen.append(max(drawn, key=lambda stack: len(_pairs(stack) & open_pairs)))
    return chosen


def _pairs(stack: Mapping[str, Any]) -> set[frozenset[Fact]]:
    return {frozenset(pair) for pair in itertools.combinations(stack.items(), 2)}


def _answers(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {question: facts[question] for question in ONE_OF if question in facts} | {
        question: [choice for choice in choices if facts[f"{question}:{choice}"]]
        for question, choices in ANY_OF.items()
        if f"{question}:{choices[0]}" in facts
    }
