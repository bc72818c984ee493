"""Wheels of the real repository: built, installed, and used without a clone and a network."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from capstoner.files import ArchiveFiles
from generator.toy_template import Home, tree

REPOSITORY = Path(__file__).resolve().parents[2]
ADDRESS = "https://capstoner.invalid/capstoner.git"
# Git may read what lies on this machine and nothing else.
CUT_OFF = {"GIT_ALLOW_PROTOCOL": "file", "COLUMNS": "100"}

Run = Callable[..., str]


@pytest.fixture
def run(home: Home) -> Run:
    # The home of a test is empty; packages still come from the cache of the person.
    cache = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True)

    def run_command(*command: str, folder: Path, ok: bool = True, **changes: str) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env=home.environment(UV_CACHE_DIR=cache.stdout.strip(), **changes),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run_command


@pytest.fixture
def repository(run: Run, tmp_path: Path) -> Path:
    """The working tree as a repository of its own, with the tag v1.0.0."""
    folder = tmp_path / "repository"
    listed = run("git", "ls-files", "-z", "-co", "--exclude-standard", folder=REPOSITORY)
    for name in listed.strip("\0").split("\0"):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, folder / name)
    run("git", "init", "--quiet", folder=folder)
    release(run, folder, "v1.0.0")
    return folder


def release(run: Run, repository: Path, tag: str) -> None:
    run("git", "add", "--all", folder=repository)
    run("git", "commit", "--quiet", f"--message={tag}", folder=repository)
    run("git", "tag", tag, folder=repository)


def learn(repository: Path) -> None:
    """Change, add and remove something in the template."""
    base = repository / "templates" / "layers" / "{{use_base}}"
    (base / "LEARNED.md.jinja").write_text("What {{ project_name }} learned.\n", encoding="utf-8")
    (base / ".editorconfig").write_text("# Learned\n" + (base / ".editorconfig").read_text())
    (base / ".pre-commit-config.yaml").unlink()


def edit(project: Path) -> None:
    for name, text in (("README.md", "\n## My chapter\n"), ("params.toml", "\n# Mine.\n")):
        (project / name).write_text((project / name).read_text() + text, encoding="utf-8")
    (project / "mine.py").write_text("MINE = 1\n", encoding="utf-8")


def built(run: Run, repository: Path, folder: Path) -> Path:
    run("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), folder=repository)
    (wheel,) = folder.glob("*.whl")
    return wheel


def installed(run: Run, wheel: Path, environment: Path) -> Path:
    """Install a wheel in an environment of its own; return its command."""
    python = ("--python", sys.executable)
    run("uv", "venv", "--quiet", *python, str(environment), folder=wheel.parent)
    into = ("--python", str(environment / "bin" / "python"))
    run("uv", "pip", "install", "--quiet", *into, str(wheel), folder=wheel.parent)
    return environment / "bin" / "capstoner"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="environments lie otherwise on Windows")
def test_a_wheel_needs_no_clone_and_no_network(
    home: Home, run: Run, repository: Path, tmp_path: Path
) -> None:
    first_wheel = built(run, repository, tmp_path / "first")
    first = installed(run, first_wheel, tmp_path / "first-environment")
    learn(repository)
    release(run, repository, "v1.1.0")
    second_wheel = built(run, repository, tmp_path / "second")
    second = installed(run, second_wheel, tmp_path / "second-environment")

    empty = tmp_path / "empty"
    empty.mkdir()
    new = ("new", "house-prices", "--defaults", "--no-install", "--preset", "standard")
    assert "house-prices" in run(str(first), "list", folder=empty, **CUT_OFF)
    assert "ops=docker" in run(str(first), "show", "house-prices", folder=empty, **CUT_OFF)
    assert "not published yet" in run(str(first), *new, "project", folder=empty, **CUT_OFF)
    project = empty / "project"
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert (answers["_src_path"], answers["_commit"]) == (ADDRESS, "v1.0.0")
    edit(project)
    run("git", "add", "--all", folder=project)
    run("git", "commit", "--quiet", "--message=mine", folder=project)
    plain = empty / "plain"
    shutil.copytree(project, plain, symlinks=True)

    assert "up to date: v1.0.0" in run(str(first), "update", folder=project, **CUT_OFF)
    said = run(str(second), "update", folder=project, **CUT_OFF)
    assert "Updated from v1.0.0 to v1.1.0" in said
    run(str(second), *new, "fresh", folder=empty, **CUT_OFF)
    fresh = empty / "fresh"
    edit(fresh)
    assert tree(project) == tree(fresh)
    assert (project / "LEARNED.md").exists()
    assert not (project / ".pre-commit-config.yaml").exists()
    assert "Update with a Capstoner that is newer" in refused_by(run, first, project)
    assert tree(project) == tree(fresh)

    # Once the address is real, plain Copier finds the release there.
    with home.git_config.open("a", encoding="utf-8") as file:
        file.write(f'[url "{repository}"]\n\tinsteadOf = {ADDRESS}\n')
    copier = (str(second.parent / "python"), "-m", "copier", "update", "--defaults")
    run(*copier, folder=plain, **CUT_OFF)
    assert tree(plain) == tree(fresh)


def refused_by(run: Run, older: Path, project: Path) -> str:
    """Commit the update; say why a Capstoner that is older than the project does nothing."""
    run("git", "add", "--all", folder=project)
    run("git", "commit", "--quiet", "--message=update", folder=project)
    return run(str(older), "update", folder=project, ok=False, **CUT_OFF)


@pytest.mark.slow
def test_what_a_build_carries(run: Run, repository: Path, tmp_path: Path) -> None:
    """A wheel and an sdist hold HEAD; without Git the sdist's is taken, and nothing is made up."""
    template = repository / "copier.yml"
    text = template.read_text(encoding="utf-8")
    template.write_text(text + "\n# Not committed.\n", encoding="utf-8")
    out = tmp_path / "out"
    said = run("uv", "build", "--out-dir", str(out), folder=repository)
    assert "1 uncommitted change(s) of the template are left out" in said
    (sdist,), (wheel,) = (
        out.glob("*.tar.gz"),
        out.glob("*.whl"),
    )  # the wheel is built from the sdist
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "wheel")
    packed = ArchiveFiles(tmp_path / "wheel" / "capstoner" / "template.zip")
    assert packed.read("copier.yml") == text
    assert packed.commit == run("git", "rev-parse", "HEAD", folder=repository).strip()
    bundle = str(tmp_path / "wheel" / "capstoner" / "template.bundle")
    heads = run("git", "bundle", "list-heads", bundle, folder=repository).splitlines()
    assert f"{packed.commit} HEAD" in heads
    assert any(line.endswith("refs/tags/v1.0.0") for line in heads)

    run("tar", "-xzf", str(sdist), folder=tmp_path)
    (unpacked,) = tmp_path.glob("capstoner-*")
    for path in unpacked.rglob("template.*"):
        path.unlink()
    without = run("uv", "build", "--wheel", "-o", str(out), folder=unpacked, ok=False)
    assert "is no Git repository and holds no" in without

    release(run, repository, "v1.1.0")
    shallow = tmp_path / "shallow"
    run("git", "clone", "-q", "--depth=1", f"file://{repository}", str(shallow), folder=tmp_path)
    without = run("uv", "build", "--wheel", "-o", str(out), folder=shallow, ok=False)
    assert "This clone is shallow" in without
