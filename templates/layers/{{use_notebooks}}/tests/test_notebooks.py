"""The notebooks are made, run, and never taken from who edited one."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import jupytext
import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
SCRIPT = "# %% [markdown]\n# # Sums\n\n# %%\n1 + 1\n"


def load_tool() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        "notebooks_tool", ROOT / "tools" / "notebooks.py"
    )
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


tool = load_tool()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "sums.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return path


def read_cells(path: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return cells


def make(*words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "tools" / "notebooks.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


def test_a_script_becomes_a_notebook_with_its_output(script: Path) -> None:
    done = make(script)
    assert done.returncode == 0, done.stderr
    text, code = read_cells(script.with_suffix(".ipynb"))
    assert (text["cell_type"], text["source"]) == ("markdown", ["# Sums"])
    assert code["outputs"][0]["data"]["text/plain"] == ["2"]


def test_a_changed_script_replaces_a_notebook_that_nobody_edited(script: Path) -> None:
    tool.make(script, run=False)
    script.write_text(SCRIPT.replace("1 + 1", "2 + 2"), encoding="utf-8")
    made = read_cells(tool.make(script, run=False))
    assert made[1]["source"] == ["2 + 2"]


def test_an_edited_notebook_is_left_alone_until_it_is_carried_back(script: Path) -> None:
    path = tool.make(script, run=False)
    edited = path.read_bytes().replace(b"1 + 1", b"3 + 3")
    path.write_bytes(edited)

    done = make(script, "--no-run")

    assert done.returncode == 1
    assert "was edited" in done.stderr
    assert path.read_bytes() == edited
    subprocess.run(
        [sys.executable, "-m", "jupytext", "--quiet", "--to", "py:percent", path], check=True
    )
    assert make(script, "--no-run").returncode == 0
    assert "3 + 3" in script.read_text(encoding="utf-8")


def test_a_failing_cell_is_told_and_nothing_is_written(script: Path) -> None:
    script.write_text(SCRIPT.replace("1 + 1", "1 / 0"), encoding="utf-8")
    done = make(script)
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "tools/notebooks.py" not in done.stderr
    assert sorted(path.name for path in script.parent.iterdir()) == ["sums.py"]


def test_what_is_no_script_and_no_notebook_is_refused(script: Path, tmp_path: Path) -> None:
    script.with_suffix(".ipynb").write_text("{}", encoding="utf-8")
    done = make(script, tmp_path / "absent.py")
    assert done.returncode == 1
    problems = done.stderr.strip().splitlines()
    assert len(problems) == 2, problems
    assert "is no notebook" in problems[0]
    assert "absent.py" in problems[1]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_the_same_after_the_way_through_a_notebook(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    notebook.metadata = {"jupytext": {"notebook_metadata_filter": "-all"}}
    assert jupytext.writes(notebook, fmt="py:percent") == text


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_every_notebook_runs_from_top_to_bottom(script: Path, tmp_path: Path) -> None:
    copy = tmp_path / script.name
    copy.write_bytes(script.read_bytes())
    done = make(copy)
    assert done.returncode == 0, done.stderr
    code = [cell for cell in read_cells(copy.with_suffix(".ipynb")) if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))
    assert any(cell["outputs"] for cell in code)
