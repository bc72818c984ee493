"""The options that say what is learned from, and what they stand for."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from .data import Dataset
    from .params import Params

Source = Annotated[
    str | None,
    typer.Option(
        help="Where the pictures are: synthetic:digits, synthetic:letters, synthetic:all, a folder "
        "with a folder for each sign, a .csv like Sign Language MNIST, hub:OWNER/NAME."
    ),
]
Network = Annotated[
    str | None, typer.Option("--network", help="Which network; a file of networks/ is one.")
]
Networks = Annotated[list[str] | None, typer.Option("--network", help="Only this one; repeatable.")]
StartFrom = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="ARTEFACT",
        help="Go on from a trained network: `champion`, or a folder in artifacts/versions.",
    ),
]


def read_params(profile: str, sets: list[str] | None, source: str | None) -> "Params":
    """Read params.toml, with what the options say."""
    from .params import Params
    from .settings import load_params

    params = load_params(Params, profile, sets or [])
    if source is None:
        return params
    return params.model_copy(update={"data": params.data.model_copy(update={"source": source})})


def load_dataset(params: "Params") -> "Dataset":
    """Load the pictures that the parameters name, with a bar."""
    from . import data
    from .console import progress

    with progress("Reading the pictures", None) as advance:
        return data.load(params.data, params.run.seed, advance)


def started_from(name: Path | None, params: "Params") -> "tuple[Params, Path | None]":
    """Return the parameters for going on from a trained network, and the folder of its artefact.

    The network and the size of its pictures are those of the artefact, all else is as it was given.

    Raises
    ------
    UserError
        When there is no such artefact, or another version of this project made it.
    """
    if name is None:
        return params, None
    from .artifact import Artifact
    from .errors import UserError
    from .params import Params
    from .promotion import champion
    from .settings import Settings

    folder = Settings().artifacts_dir
    inside = folder / "versions" / name
    if name == Path("champion"):
        artifact = champion(folder)
    else:
        artifact = Artifact.load(inside if inside.is_dir() else name)
    try:
        before = Params.model_validate(artifact.metadata.params)
    except ValueError as error:
        raise UserError(
            f"{artifact.path} was made with other parameters than this project knows.",
            "Start from an artefact of this project.",
        ) from error
    picture = {"size": before.data.size, "channels": before.data.channels}
    same_network = {"network": before.train.network}
    return params.model_copy(
        update={
            "data": params.data.model_copy(update=picture),
            "train": params.train.model_copy(update=same_network),
            "evaluate": params.evaluate.model_copy(update={"networks": [before.train.network]}),
            "network": before.network,
        }
    ), artifact.path
