"""The options that say what to learn from, and the parameters and the table that they choose."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .data import Dataset
    from .params import Params

Source = Annotated[
    str | None,
    typer.Option(
        help="Where the data are: sample, a .csv or .parquet file, openml:NUMBER, california."
    ),
]
Target = Annotated[str | None, typer.Option(help="The column to predict.")]
OneModel = Annotated[
    str | None, typer.Option("--model", help="Which model; a file of models/ is one.")
]
Models = Annotated[list[str] | None, typer.Option("--model", help="Only this one; repeatable.")]


def read_params(
    profile: str, sets: list[str] | None, source: str | None, target: str | None
) -> "Params":
    """Read params.toml, with what the options say."""
    from .params import Params
    from .settings import load_params

    params = load_params(Params, profile, sets or [])
    given = {"source": source, "target": target}
    chosen = {name: value for name, value in given.items() if value is not None}
    return params.model_copy(update={"data": params.data.model_copy(update=chosen)})


def load_dataset(params: "Params") -> "Dataset":
    """Load the table that the parameters name."""
    from . import data as tables

    wanted = params.data
    return tables.load(wanted.source, wanted.target, keep=wanted.keep, drop=wanted.drop)
