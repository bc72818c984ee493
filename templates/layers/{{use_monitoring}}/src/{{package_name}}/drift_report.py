"""The drift report as one HTML file: a table of the fields, and a figure of each that moved."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .drift import MIN_ROWS, WORTH_A_LOOK, FieldDrift
from .report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FIGURES = 12

EXPLANATION = """\
Each field's values are counted in bins, those of the training data and those of now. The **index**
is the population stability index: 0 says that rows now look like rows of the training data, from
{look:g} on a field is worth a look, and from {alarm:g} on it has drifted: the model answers
questions unlike those that it learned from, and its measured error need not hold. What chance alone
makes of so many rows is taken off. **Moved** is the least share of rows that would have to change
their bin to look as in training. **Never seen** are levels that training did not know, and numbers
beyond its range.

A drift is no error by itself. Look first for a broken or renamed source (missing values, another
unit, new spellings); if the world has changed, train on newer data.
"""


def write(path: Path, what: str, found: Sequence[FieldDrift], alarm: float) -> Path:
    """Write the report; return its path.

    Parameters
    ----------
    path : Path
        The HTML file.
    what : str
        Which rows were compared, as a sentence without its end.
    found : Sequence[FieldDrift]
        At least one, the most drifted first.
    alarm : float
        From this index on a field has drifted.
    """
    report = Report("Drift of the requests")
    drifted = [each for each in found if each.psi >= alarm]
    names = ", ".join(f"`{each.field.name}`" for each in drifted[:MAX_FIGURES])
    more = f" and {len(drifted) - MAX_FIGURES} more" if len(drifted) > MAX_FIGURES else ""
    verdict = (
        f"**{len(drifted)} of {len(found)} fields drifted:** {names}{more}."
        if drifted
        else f"**None of the {len(found)} fields drifted.**"
    )
    report.text(f"{what}.\n\n{verdict}\n")
    shown = [each for each in found if each.psi >= WORTH_A_LOOK] or list(found[:3])
    for each in shown[:MAX_FIGURES]:
        report.figure(each.field.name, _figure(each), _caption(each, alarm))
    columns = ["field", "what it is", "index", "moved", "missing", "never seen", ""]
    rows = [
        (
            each.field.name,
            each.field.role,
            round(each.psi, 3),
            f"{each.moved:.0%}",
            f"{each.missing:.1%}",
            f"{each.unseen:.1%}",
            each.verdict(alarm),
        )
        for each in found
    ]
    report.table("All fields", columns, rows)
    report.text("## How to read this\n\n" + EXPLANATION.format(look=WORTH_A_LOOK, alarm=alarm))
    report.text(f"With fewer than {MIN_ROWS} rows nothing is reported.")
    return report.write(path)


def _caption(each: FieldDrift, alarm: float) -> str:
    then = sum(each.field.counts)
    return (
        f"Index {each.psi:.3f} ({each.verdict(alarm)}); {each.moved:.0%} of the rows moved. "
        f"{sum(each.counts):,} rows now, {then:,} rows in training."
    )


def _figure(each: FieldDrift) -> "Figure":
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    then, now = (np.array(counts, float) for counts in (each.field.counts, each.counts))
    filled = np.flatnonzero(then + now)
    labels = [_short(each.field.labels[place]) for place in filled]
    then, now = 100 * then[filled] / then.sum(), 100 * now[filled] / now.sum()
    figure = Figure(figsize=(7, 0.34 * len(filled) + 1.1))
    axes = figure.subplots()
    places = np.arange(len(filled))
    axes.barh(places - 0.19, then, 0.36, color="tab:gray", label="training")
    axes.barh(places + 0.19, now, 0.36, color="tab:orange", label="now")
    axes.set_yticks(places, labels)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(decimals=0))
    axes.set_xlabel("share of the rows")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


def _short(label: str) -> str:
    # A dollar would begin a formula.
    return (label if len(label) <= 40 else label[:39] + "…").replace("$", r"\$")
