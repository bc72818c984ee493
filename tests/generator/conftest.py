"""Fixtures of the generator: a home of its own, and clones of a tiny template."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from generator.toy_template import FILES, Commit, Home, write


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose Git configuration also holds for what a test calls in this process."""
    home = Home(tmp_path / "home")
    for name in list(os.environ):
        if name.startswith("GIT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home.git_config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def commit(home: Home) -> Commit:
    """Write files into a repository, commit them, and tag the commit if asked to."""

    def commit_files(folder: Path, files: Mapping[str, str], tag: str = "") -> str:
        write(folder, files)
        home.git("add", "--all", folder=folder)
        home.git("commit", "--quiet", "--allow-empty", "--message=change", folder=folder)
        if tag:
            home.git("tag", tag, folder=folder)
        return home.git("rev-parse", "HEAD", folder=folder)

    return commit_files


@pytest.fixture
def clone(home: Home, commit: Commit, tmp_path: Path) -> Path:
    """A repository of the tiny template: the tag v1.0.0 and one commit after it, no origin."""
    folder = tmp_path / "template"
    folder.mkdir()
    home.git("init", "--quiet", folder=folder)
    commit(folder, FILES, tag="v1.0.0")
    commit(folder, {"templates/layers/NEWS.md": "After the release.\n"})
    return folder
