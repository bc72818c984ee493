"""What people see: one place for tables, warnings, errors and finished steps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)

_MARKS = {"✓": "green", "✗": "red", "-": "yellow"}


def say(text: str = "", style: str = "") -> None:
    """Print a text as it is: square brackets in a path are no markup."""
    _print(console, Text(text, style=style))


def done(text: str) -> None:
    """Print a finished step."""
    _print(console, Text.assemble(("✓ ", "green"), text))


def warn(text: str) -> None:
    """Print something worth knowing that stops nothing."""
    _print(error_console, Text.assemble(("Note: ", "yellow"), text))


def fail(problem: str, hint: str = "") -> None:
    """Print what is wrong, and below it what to do next."""
    _print(error_console, Text.assemble(("Error: ", "bold red"), problem))
    if hint:
        _print(error_console, Text(hint))


def _print(where: Console, text: Text) -> None:
    # A terminal gets lines that break between words; a file or a pipe gets whole ones.
    where.print(text, soft_wrap=not where.is_terminal)


def commands(rows: Sequence[tuple[str, str]]) -> None:
    """Print commands that can be copied, each on a line that is never broken, and what they do."""
    width = max(len(text) for text, _ in rows)
    for text, explanation in rows:
        comment = f"{' ' * (width - len(text))}  # {explanation}" if explanation else ""
        console.print(Text.assemble("  ", (text, "bold"), (comment, "dim")), soft_wrap=True)


def working(text: str) -> Status:
    """Show on a terminal that something takes a moment, as a context manager."""
    return error_console.status(text)


def agrees(question: str) -> bool:
    """Ask a question whose default is no; Ctrl-C goes through."""
    answer = console.input(Text(f"{question} [y/N] "))
    return answer.strip().lower() in {"y", "yes"}


def facts(rows: Iterable[tuple[str, str]]) -> None:
    """Print aligned pairs of a name and a value."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(f"  {name}", Text(value))
    console.print(grid)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table whose first column is never cut; a check mark gets its colour."""
    view = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        view.add_column(column, no_wrap=number == 0, overflow="fold", style="bold" * (number == 0))
    for row in rows:
        view.add_row(*[Text(cell, style=_MARKS.get(cell, "")) for cell in row])
    console.print(view)


def print_json(value: Any) -> None:
    """Print one JSON document, for programs."""
    console.out(json.dumps(value, indent=2, ensure_ascii=False), highlight=False)


def megabytes(amount: int) -> str:
    """Return an amount of megabytes in words, for example `1.2 GB`."""
    return f"{amount / 1000:.1f} GB" if amount >= 1000 else f"{amount} MB"


def shown(value: Any) -> str:
    """Return an answer as a person reads it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none of them"
    return str(value) if value not in (None, "") else "-"


def stack(answers: Mapping[str, Any]) -> str:
    """Return some answers as they are written after `--set`."""
    return ", ".join(f"{name}={shown(value)}" for name, value in answers.items()) or "any"
