"""The matrix: every stack that a person can choose."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Render = Callable[..., Path]

CAPSTONES = ["house-prices"]
TRACKING = ["mlflow", "none"]
OPERATIONS = ["docker", "github-actions"]


def stacks() -> list[dict[str, Any]]:
    """Every combination of the options that decide which files a project holds."""
    subsets = itertools.chain.from_iterable(
        itertools.combinations(OPERATIONS, size) for size in range(len(OPERATIONS) + 1)
    )
    return [
        {"capstone": capstone, "tracking": tracking, "ops": list(ops)}
        for capstone, tracking, ops in itertools.product(CAPSTONES, TRACKING, list(subsets))
    ]


def stack_name(stack: Mapping[str, Any]) -> str:
    return "-".join([stack["capstone"], stack["tracking"], *(stack["ops"] or ["no-ops"])])
