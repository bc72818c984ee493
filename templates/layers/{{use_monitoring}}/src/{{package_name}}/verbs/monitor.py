"""`monitor`: how far the served champion's requests have moved away from its training data."""

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..drift import FieldDrift

DRIFTED = 3
SHOWN = 15
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

app = typer.Typer()


@app.command()
def monitor(
    last: Annotated[
        int | None, typer.Option(min=1, help="Only the newest so many answered rows.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only rows of this time: 30m, 12h, 7d, 4w.")
    ] = None,
    alarm: Annotated[
        float, typer.Option(min=0.01, help="From this index on a field has drifted.")
    ] = 0.25,
    report: Annotated[
        bool, typer.Option(help="Also write artifacts/reports/drift.html, with figures.")
    ] = True,
) -> None:
    """Compare answered rows with the training data; exit code 3 when a field has drifted."""
    from .. import drift, request_log
    from ..console import console, table
    from ..promotion import champion
    from ..reference import REFERENCE_FILE, Reference
    from ..settings import Settings

    settings = Settings()
    artifact = champion(settings.artifacts_dir)
    model = artifact.metadata.id
    reference = Reference.load(artifact.file(REFERENCE_FILE))
    start = None if since is None else datetime.now(UTC) - _duration(since)
    folder = settings.monitoring_folder
    rows = request_log.read(folder, model, reference, last=last, since=start)
    if not rows:
        _say_that_there_is_nothing(model, narrowed=since is not None)
    what = (
        f"{len(rows):,} rows answered by {model}, "
        f"{rows[0].time:%Y-%m-%d %H:%M} to {rows[-1].time:%Y-%m-%d %H:%M} UTC"
    )
    if len(rows) < drift.MIN_ROWS:
        console.print(
            f"{what}: too few to tell a drift from chance. From {drift.MIN_ROWS} rows on there is "
            "something to say.",
            markup=False,
            soft_wrap=True,
        )
        return
    import numpy as np

    found = drift.measure(reference, np.array([row.bins for row in rows], dtype=np.int16))
    found.sort(key=lambda each: -each.psi)
    columns, shown = summary(found[:SHOWN], alarm)
    table(what, columns, shown)
    drifted = [each for each in found if each.psi >= alarm]
    console.print(
        f"{len(drifted)} of {len(found)} fields drifted: their index is {alarm:g} or more."
        if drifted
        else f"No field drifted: every index is below {alarm:g}.",
        style="yellow" if drifted else "green",
        markup=False,
        soft_wrap=True,
    )
    if report:
        from .. import drift_report

        path = drift_report.write(
            settings.artifacts_dir / "reports" / "drift.html", what, found, alarm
        )
        console.print(f"Written: {path}", markup=False, soft_wrap=True)
    if drifted:
        raise typer.Exit(DRIFTED)


def summary(found: "list[FieldDrift]", alarm: float) -> tuple[list[str], list[list[object]]]:
    """Return the columns and rows of the table of fields."""
    columns = ["field", "index", "moved", "missing", "never seen", ""]
    rows: list[list[object]] = [
        [
            each.field.name,
            round(each.psi, 3),
            f"{each.moved:.0%}",
            f"{each.missing:.1%}",
            f"{each.unseen:.1%}",
            each.verdict(alarm),
        ]
        for each in found
    ]
    return columns, rows


def _duration(text: str) -> timedelta:
    from ..errors import UserError

    found = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if not found:
        raise UserError(f"--since {text}: this is no time.", "Write 30m, 12h, 7d or 4w.")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _say_that_there_is_nothing(model: str, *, narrowed: bool) -> None:
    from ..about import command
    from ..errors import UserError

    hint = f"Start the service with {command('serve')} and send it requests"
    if narrowed:
        raise UserError(
            f"The request log holds no row that {model} answered in this time.",
            "Take a longer time with --since.",
        )
    raise UserError(
        f"The request log holds no row that {model} answered.",
        f"{hint}; with APP_MONITORING_DIR as the service has it.",
    )
