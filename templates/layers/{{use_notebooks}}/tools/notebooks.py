"""Make a notebook of each script in notebooks/, and run it: `uv run poe notebooks`.

The scripts are what Git keeps; a notebook can be made again at any time. One that was edited is
left alone.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

FOLDER = Path(__file__).parents[1] / "notebooks"
MADE_FROM = "made_from"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


def main() -> int:
    """Make the notebooks.

    Returns
    -------
    int
        The exit code: 1 when one was edited, or a cell failed; the others are made all the same.
    """
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("scripts", nargs="*", type=Path, help="default: all of notebooks/")
    parser.add_argument("--no-run", action="store_true", help="leave the cells without output")
    options = parser.parse_args()
    problems = 0
    for script in options.scripts or sorted(FOLDER.glob("*.py")):
        try:
            print(f"Made: {make(script, run=not options.no_run)}", flush=True)
        except (OSError, ValueError, CellExecutionError) as error:
            problems += 1
            print(f"Not made of {script}: {error}", file=sys.stderr)
    return min(problems, 1)


def make(script: Path, *, run: bool) -> Path:
    """Make one notebook, and return its path.

    Parameters
    ----------
    script : Path
        In jupytext's percent format.
    run : bool
        Whether to run its cells, in the folder of the script.

    Raises
    ------
    ValueError
        When the notebook was edited since it was made, or is none.
    CellExecutionError
        When a cell fails.
    """
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata["kernelspec"] = KERNEL
    made_from = notebook.metadata[MADE_FROM] = fingerprint(notebook)
    target = script.with_suffix(".ipynb")
    if target.exists():
        there = read(target)
        if fingerprint(there) not in {made_from, there.metadata.get(MADE_FROM)}:
            raise ValueError(
                f"{target} was edited. To keep what you wrote: "
                f"uv run jupytext --to py:percent {target}; otherwise delete it."
            )
    if run:
        client = NotebookClient(
            notebook,
            timeout=None,
            resources={"metadata": {"path": str(script.parent)}},
            # A warning tells that other machines could listen; the kernel talks to this one alone.
            extra_arguments=["--log-level=ERROR"],
        )
        client.execute()
    beside = target.with_suffix(".ipynb.new")
    beside.write_text(nbformat.writes(notebook), encoding="utf-8", newline="\n")
    beside.replace(target)
    return target


def read(path: Path) -> NotebookNode:
    """Read a notebook; ValueError when the file is none."""
    try:
        return nbformat.read(path, as_version=4)
    except (ValueError, nbformat.ValidationError) as error:
        raise ValueError(f"{path} is no notebook; delete it, or give it another name.") from error


def fingerprint(notebook: NotebookNode) -> str:
    """Return a hash of what a person writes into a notebook: its cells, without their output."""
    cells = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
