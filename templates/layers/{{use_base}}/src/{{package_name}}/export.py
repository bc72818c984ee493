"""The champion as a folder of its own, for use outside this project."""

import shutil
from pathlib import Path

from .console import console, table
from .errors import UserError
from .promotion import champion
from .settings import Settings


def export_champion(folder: Path, usage: str) -> None:
    """Copy the champion's files into a new folder, whole or not at all, and say what they are.

    Parameters
    ----------
    folder : Path
        It must not exist; the folders above it are made.
    usage : str
        How the model is used, in a sentence or two.

    Raises
    ------
    UserError
        When there is no champion, or the folder exists.
    """
    artifact = champion(Settings().artifacts_dir)
    if folder.exists():
        raise UserError(f"{folder} exists already.", "Name a folder that does not.")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(artifact.path, draft)
    draft.rename(folder)
    table(
        f"Written: {folder}",
        ["file", "bytes"],
        [(name, facts.bytes) for name, facts in artifact.metadata.files.items()],
    )
    console.print(usage, markup=False, soft_wrap=True)
