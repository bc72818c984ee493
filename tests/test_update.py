"""Plain `copier update`, without trust: an updated project equals a fresh one plus the edits."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copier import run_copy, run_update
from stacks import stack_name, stacks

Stack = dict[str, Any]
Make = Callable[[str, str, Stack], Path]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


@pytest.fixture(autouse=True)
def git_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine's own Git settings must not decide a test."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Test")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "test@example.com")


@pytest.fixture
def released(template: Path, tmp_path: Path) -> Path:
    """The real template with two releases; the second changes, adds and removes something."""
    origin = tmp_path / "origin"
    shutil.copytree(template, origin)
    layers = origin / "templates" / "layers"
    base = layers / "{{use_base}}"
    (base / "docs").mkdir(exist_ok=True)
    (base / "docs" / "OLD.md").write_text("Removed by the next release.\n")
    git(origin, "init", "--quiet")
    commit(origin, "First release")
    git(origin, "tag", "v1.0.0")

    (base / "docs" / "OLD.md").unlink()
    (base / "docs" / "NEW.md.jinja").write_text("What {{ project_name }} learned.\n")
    (base / ".editorconfig").write_text("# Learned\n" + (base / ".editorconfig").read_text())
    errors = base / "src" / "{{package_name}}" / "errors.py"
    errors.write_text(errors.read_text() + "\n\nLEARNED = True\n")
    for params in layers.glob("*/params.toml*"):
        params.write_text("# A better default was found.\n" + params.read_text())
    commit(origin, "Second release")
    git(origin, "tag", "v1.1.0")
    return origin


@pytest.fixture
def make(released: Path, tmp_path: Path) -> Make:
    def make_project(name: str, ref: str, stack: Stack) -> Path:
        project = tmp_path / name
        run_copy(
            f"git+file://{released}", project, data=stack, defaults=True, vcs_ref=ref, quiet=True
        )
        git(project, "init", "--quiet")
        commit(project, "Start")
        return project

    return make_project


def tree(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes()
        for path in project.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(project).parts
    }


def edit(project: Path) -> None:
    """What a person does in a first week: changes, additions, a removal."""
    params = project / "params.toml"
    params.write_text(params.read_text() + "\n# My own note.\n")
    readme = project / "README.md"
    readme.write_text(readme.read_text() + "\n## My chapter\n")
    [package] = (project / "src").iterdir()
    (package / "mine.py").write_text("MINE = 1\n")
    (project / ".pre-commit-config.yaml").unlink()
    (project / "artifacts").mkdir()
    (project / "artifacts" / "champion").write_text("mine\n")


@pytest.mark.parametrize("stack", stacks()[::3], ids=stack_name)
def test_updated_equals_fresh_plus_edits(stack: Stack, make: Make) -> None:
    updated = make("updated", "v1.0.0", stack)
    edit(updated)
    commit(updated, "My week")
    run_update(
        updated, vcs_ref="v1.1.0", defaults=True, overwrite=True, quiet=True, skip_answered=True
    )

    fresh = make("fresh", "v1.1.0", stack)
    edit(fresh)

    assert tree(updated) == tree(fresh)
    assert not list(updated.rglob("*.rej"))
    assert (updated / "docs" / "NEW.md").exists()
    assert not (updated / "docs" / "OLD.md").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"ops": []}, {"ops": ["docker"]}),
        ({"ops": ["docker", "github-actions"]}, {"ops": []}),
        ({"tracking": "mlflow"}, {"tracking": "none"}),
        ({"tracking": "none"}, {"tracking": "mlflow"}),
        ({"capstone": "sign-language", "framework": "pytorch"}, {"framework": "keras"}),
    ],
)
def test_an_option_can_be_switched_by_an_update(before: Stack, after: Stack, make: Make) -> None:
    project = make("switched", "v1.0.0", before)
    edit(project)
    commit(project, "My week")
    run_update(project, vcs_ref="v1.0.0", data=after, defaults=True, overwrite=True, quiet=True)

    fresh = make("fresh", "v1.0.0", before | after)
    edit(fresh)

    assert tree(project) == tree(fresh)
