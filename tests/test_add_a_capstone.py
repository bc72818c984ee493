"""The page on how to add a capstone, followed to the letter."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from capstoner.catalog import load
from capstoner.files import FolderFiles
from render import REPOSITORY, layer_files, snapshot
from render import render as render_template
from test_projects import run

PAGE = REPOSITORY / "docs" / "add-a-capstone.md"
BLOCK = re.compile(
    r"^(`{3,})\{code-block\} \w+\n:caption: ([^\n]+)\n\n(.*?)^\1$", re.DOTALL | re.MULTILINE
)
BARE = {"capstone": "diabetes", "tracking": "none", "ops": []}
FULL = {"capstone": "diabetes", "tracking": "mlflow", "ops": ["docker", "notebooks"]}


def blocks() -> Iterator[tuple[str, str, str]]:
    """Give of each block of the page its path, what to do with it, and its text."""
    for _, caption, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        path, _, action = caption.partition(", ")
        yield path, action, text


def follow(folder: Path) -> None:
    """Write each file of the page, and make each edit; what is to be found must be there once."""
    searched = ""
    for path, action, text in blocks():
        target = folder / path
        match action:
            case "find":
                searched = text.removesuffix("\n")
            case "write":
                before = target.read_text(encoding="utf-8")
                assert before.count(searched) == 1, f"{path} holds {searched!r} not once"
                after = before.replace(searched, text.removesuffix("\n"))
                target.write_text(after, encoding="utf-8")
            case "" | "without a newline at the end":
                assert not target.exists(), f"{path} is there already"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text.removesuffix("\n") if action else text, encoding="utf-8")
            case _:
                raise AssertionError(f"{path}: what is {action!r}?")


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with the capstone of the page."""
    folder = snapshot(tmp_path_factory.mktemp("extended"))
    (folder / "tests").mkdir()
    shutil.copy(REPOSITORY / "tests" / "stacks.py", folder / "tests")
    follow(folder)
    return folder


def test_every_block_of_the_page_with_a_caption_is_followed() -> None:
    assert len(list(blocks())) == PAGE.read_text(encoding="utf-8").count("\n:caption:") > 20


def test_the_capstone_is_offered_and_in_the_matrix(extended: Path) -> None:
    offered = load(FolderFiles(extended).read).capstones
    matrix: dict[str, Any] = {}
    exec((extended / "tests" / "stacks.py").read_text(encoding="utf-8"), matrix)
    assert [choice.value for choice in offered] == matrix["CAPSTONES"]
    assert "diabetes" in matrix["CAPSTONES"]
    assert (extended / "docs" / "diabetes.md").exists()


@pytest.mark.parametrize("answers", [BARE, FULL], ids=["nothing", "everything"])
def test_it_is_one_layer_and_clean(
    answers: dict[str, Any], extended: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    combined = render_template(extended, project, answers)
    monkeypatch.setattr("render.LAYERS", extended / "templates" / "layers")
    rendered = {
        path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()
    }
    assert set(layer_files(combined)) == rendered - {".copier-answers.yml"}
    for path in rendered:
        text = (project / path).read_text(encoding="utf-8")
        assert not re.search(r"house[-_ ]prices", text, re.IGNORECASE), path
    run(project, sys.executable, "-m", "ruff", "check", "--no-cache")
    run(project, sys.executable, "-m", "ruff", "format", "--check", "--no-cache")


@pytest.mark.slow
def test_base_and_family_hold_for_it(extended: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    render_template(extended, project, BARE | {"ops": ["notebooks"]})
    run(project, "uv", "sync", "--quiet")
    run(project, "uv", "run", "mypy")
    run(project, "uv", "run", "pytest", "-q")
    printed = run(project, "uv", "run", "diabetes", "demo", "--profile", "smoke")
    assert re.search(r"Answered: a progression of \d+ within a year", printed)
