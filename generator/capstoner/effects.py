"""Which files each choice adds to the lightest stack, told from the names in the layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from capstoner.catalog import Catalog, Question, answers, jinja_environment
from capstoner.files import Files
from capstoner.project import ANSWERS_FILE

LAYERS = "templates/layers/"


def added_files(catalog: Catalog, files: Files, capstone: str) -> dict[tuple[str, str], int]:
    """Count for each choice of the stack the files that it alone adds to the lightest stack.

    Parameters
    ----------
    catalog, files
        The template.
    capstone
        The capstone that is asked about.

    Returns
    -------
    dict
        The number of files, by the name of the question and the choice.
    """
    lightest = catalog.presets[0] if catalog.presets else None

    def paths(**chosen: Any) -> set[str]:
        known = {"capstone": capstone, **chosen}
        return rendered_paths(files, answers(catalog, known, lightest))

    base = paths()
    return {
        (question.name, choice.value): len(
            paths(**{question.name: _alone(question, choice.value)}) - base
        )
        for question in catalog.stack
        for choice in question.choices
    }


def rendered_paths(files: Files, known: Mapping[str, Any]) -> set[str]:
    """Return the paths that Copier would render with these answers, the computed ones included."""
    jinja = jinja_environment()
    names = {**known, "_copier_conf": {"answers_file": ANSWERS_FILE}}
    rendered: dict[str, str] = {}  # a folder's name is rendered once, not once a file

    def render(part: str) -> str:
        if part not in rendered:
            rendered[part] = jinja.from_string(part).render(names) if "{" in part else part
        return rendered[part]

    found = set()
    for path in files.paths():
        if path.startswith(LAYERS):
            inside = path.removeprefix(LAYERS).removesuffix(".jinja")
            parts = [render(part) for part in inside.split("/")]
            if all(parts):  # a part that renders to nothing leaves the file out
                found.add(str(PurePosixPath(*parts)))
    return found


def _alone(question: Question, choice: str) -> Any:
    return [choice] if question.multiple else choice
