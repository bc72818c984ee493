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
        When there is no champion, the folder exists, or it cannot be written.
    """
    artifact = champion(Settings().artifacts_dir)
    if folder.exists():
        raise UserError(f"{folder} exists already.", "Name a folder that does not.")
    draft = folder.with_name(f".{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        shutil.copytree(artifact.path, draft)
        draft.rename(folder)
    except OSError as error:  # Of many files that cannot be copied it makes one error, of no code.
        reason = error.strerror or str(error.args[0][0][-1])
        raise UserError(
            f"{folder} could not be written: {reason}.",
            "Make room or mend the permissions there, then run the command again.",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    table(
        f"Written: {folder}",
        ["file", "bytes"],
        [(name, facts.bytes) for name, facts in artifact.metadata.files.items()],
    )
    console.print(usage, markup=False, soft_wrap=True)
