"""What the tests of the template share: renderings, and environments that several projects use."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from render import REPOSITORY, snapshot
from render import render as render_template
from stacks import Render

# One thread a process: two contending OpenMP threads are many times slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A runner in the background may ignore Ctrl-C, and whatever it starts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# The tests' own environment must not leak into those of the projects that they install.
os.environ.pop("VIRTUAL_ENV", None)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands on disk, without its history."""
    return snapshot(tmp_path_factory.mktemp("template"))


@pytest.fixture(scope="session")
def render(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Render a project without trust; equal answers give the same folder, so do not write there."""
    made: dict[str, Path] = {}

    def render_once(**answers: Any) -> Path:
        key = yaml.safe_dump(answers)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("project") / "project"
            render_template(template, made[key], answers)
        return made[key]

    return render_once


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY
