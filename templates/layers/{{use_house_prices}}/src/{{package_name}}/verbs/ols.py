"""The verb `ols`: a linear model to read, with its diagnostics."""

from typing import Annotated

import typer

from ..inputs import Source, Target, load_dataset, read_params
from ..options import Overrides, Profile

app = typer.Typer()


@app.command()
def ols(
    fields: Annotated[int, typer.Option(min=1, help="How many of the strongest fields.")] = 12,
    profile: Profile = "default",
    source: Source = None,
    target: Target = None,
    sets: Overrides = None,
) -> None:
    """Fit ordinary least squares, and say what its coefficients and diagnostics mean."""
    from .. import least_squares
    from ..console import console, table
    from ..settings import Settings

    found = least_squares.fit(load_dataset(read_params(profile, sets, source, target)), fields)
    console.print(found.title, markup=False)
    table("Coefficients, with 95 % intervals", least_squares.COLUMNS, found.term_rows())
    console.print(least_squares.READING, markup=False)
    table("Diagnostics", least_squares.DIAGNOSTIC_COLUMNS, found.diagnostic_rows())
    page = found.write(Settings().artifacts_dir / "reports" / "ols.html")
    console.print(f"Written: {page}", markup=False, soft_wrap=True)
