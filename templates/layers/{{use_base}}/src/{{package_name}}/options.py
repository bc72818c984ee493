"""The options that the verbs of every capstone share."""

import json
from typing import Annotated

import typer

Profile = Annotated[
    str, typer.Option(help="Which parameters of params.toml: smoke, default, full.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TABLE.KEY=VALUE", help="Override one parameter; repeatable."),
]


def with_override(sets: list[str] | None, name: str, value: object) -> list[str]:
    """Add what an option says to the overrides; in JSON, which is TOML here too."""
    return [*(sets or []), *([] if value is None else [f"{name}={json.dumps(value)}"])]
