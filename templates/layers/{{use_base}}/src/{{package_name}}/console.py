"""What people see in the terminal: results on standard output; progress, problems on the other."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.text import Text

# No highlighting: it colours numbers inside names, and so draws the eye to nothing.
console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a bar on standard error while work goes on; it vanishes at the end.

    Parameters
    ----------
    description : str
        What is being done.
    total : int
        How many steps it takes; None where that is not known before.

    Yields
    ------
    Callable[[], None]
        Call it after each step.
    """
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=error_console, transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda: bar.advance(task)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; numbers stand right, text left, and nothing in a cell is read as markup.

    Parameters
    ----------
    title : str
        What the table shows; empty for none.
    columns : Sequence[str]
        The headings.
    rows : Sequence[Sequence[object]]
        As many cells in each row as there are columns.
    """
    from rich import box
    from rich.table import Table

    # A title of the table itself would be folded to the width of the columns.
    if title:
        console.print(Text(f"\n{title}", style="bold"))
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, name in enumerate(columns):
        numeric = bool(rows) and all(is_number(row[position]) for row in rows)
        shown.add_column(Text(name), justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(format_value(value)) for value in row))
    console.print(shown)
    console.print()


def is_number(value: object) -> bool:
    """Return whether a value is shown as a number; None is a missing number."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def format_value(value: object) -> str:
    """Return a value as people read it: `180,921`, `0.1175`, a dash for nothing, text as it is."""
    if value is None:
        return "–"  # noqa: RUF001 (a dash that is as wide as a number)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"
    return str(value)
