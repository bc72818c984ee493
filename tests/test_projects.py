"""Generated projects, installed and used as a person would: checked, trained, served, asked."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pytorch import obstacle
from render import render as render_template
from stacks import CAPSTONES, Render, everything, nothing, stack_name, stacks

Install = Callable[..., Path]

# Typed and tested as a whole: with everything and with nothing around each capstone.
CHOSEN = [stack(capstone) for capstone in CAPSTONES for stack in (everything, nothing)]
each_capstone = pytest.mark.parametrize("capstone", CAPSTONES)


@pytest.fixture(scope="session")
def install(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Install:
    """A project with its environment; uv links packages out of one cache, so it costs seconds."""
    made: dict[str, Path] = {}

    def install_once(**answers: Any) -> Path:
        key = json.dumps(answers, sort_keys=True)
        if key not in made:
            project = tmp_path_factory.mktemp("installed") / "project"
            render_for_this_machine(template, project, answers)
            run(project, "uv", "sync", "--quiet")
            made[key] = project
        return made[key]

    return install_once


def render_for_this_machine(template: Path, project: Path, answers: dict[str, Any]) -> None:
    """Render a project that trains on a CPU, whatever the stack says of a GPU."""
    render_template(template, project, answers | {"accelerator": "cpu"})
    if reason := obstacle(project):
        pytest.skip(reason)


def run(project: Path, *command: str, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, (
        f"{' '.join(command)}\n{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
    )
    return done.stdout


@contextmanager
def serving(project: Path, *command: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = subprocess.Popen(
        [*command, "serve", "--port", str(port)],
        cwd=project,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{url}/readyz", timeout=1)
                break
            except OSError:
                assert service.poll() is None, "the service ended before it was ready"
                time.sleep(0.1)
        yield url
    finally:
        service.terminate()
        service.wait(timeout=30)


def ask(project: Path, *command: str) -> None:
    """Serve the champion, send it the example of its own training data, and look at the answer."""
    champion = (project / "artifacts" / "champion").read_text().strip()
    metadata = json.loads(
        (project / "artifacts" / "versions" / champion / "metadata.json").read_text()
    )
    with serving(project, *command) as url:
        request = urllib.request.Request(
            f"{url}/v1/predict",
            json.dumps(metadata["example"]).encode(),
            {"Content-Type": "application/json"},
        )
        answer = json.load(urllib.request.urlopen(request, timeout=10))
    assert answer["prediction"]
    assert answer["model"] == champion


@pytest.mark.parametrize("stack", stacks(), ids=stack_name)
def test_every_stack_is_clean_for_ruff(stack: dict[str, Any], render: Render) -> None:
    # pyproject.toml of the project decides the rules; the linter is that of our own environment.
    project = render(**stack)
    run(project, sys.executable, "-m", "ruff", "check", "--no-cache")
    run(project, sys.executable, "-m", "ruff", "format", "--check", "--no-cache")


@pytest.mark.parametrize("package_name", ["abx", "a" * 24 + "_" + "b" * 25])
@each_capstone
def test_the_length_of_a_name_does_not_change_what_is_clean(
    capstone: str, package_name: str, render: Render
) -> None:
    project = render(**everything(capstone), package_name=package_name)
    run(project, sys.executable, "-m", "ruff", "check", "--no-cache")
    run(project, sys.executable, "-m", "ruff", "format", "--check", "--no-cache")


@pytest.mark.slow
@pytest.mark.parametrize("stack", stacks(), ids=stack_name)
def test_every_stack_is_clean_for_mypy(stack: dict[str, Any], install: Install) -> None:
    run(install(**stack), "uv", "run", "mypy")


# Two tests, because they are the longest: each of two workers takes one.
@pytest.mark.slow
@pytest.mark.parametrize("suite", ["poe test", "pytest -m slow"])
@pytest.mark.parametrize("stack", CHOSEN, ids=stack_name)
def test_the_projects_own_tests_pass(stack: dict[str, Any], suite: str, install: Install) -> None:
    run(install(**stack), "uv", "run", *suite.split())


@pytest.mark.slow
@pytest.mark.parametrize("stack", CHOSEN, ids=stack_name)
def test_train_evaluate_report_serve_predict(stack: dict[str, Any], install: Install) -> None:
    project, name = install(**stack), stack["capstone"]
    run(project, "uv", "run", name, "train", "--profile", "smoke")
    run(project, "uv", "run", name, "evaluate", "--profile", "smoke")
    run(project, "uv", "run", name, "report")
    assert list((project / "artifacts" / "reports").glob("*.html"))
    ask(project, "uv", "run", name)


@pytest.mark.slow
@each_capstone
def test_demo_needs_one_command(capstone: str, install: Install) -> None:
    project = install(**nothing(capstone))
    printed = run(project, "uv", "run", capstone, "demo", "--profile", "smoke")
    assert re.search(r"^Answered: \S+", printed, re.MULTILINE)


def newest_python() -> str:
    """Return an installed interpreter of the newest Python that projects admit."""
    name = "python3.13"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for candidate in (shutil.which(name), *map(str, pyenv.glob(f"3.13*/bin/{name}"))):
        # pyenv puts a program of that name on the path that only says that it is not chosen.
        if (
            candidate
            and not subprocess.run([candidate, "--version"], capture_output=True).returncode
        ):
            return candidate
    pytest.skip(f"{name} is not installed on this machine")


@pytest.mark.slow
def test_the_newest_python_trains_and_serves(template: Path, tmp_path: Path) -> None:
    python = newest_python()
    project = tmp_path / "project"
    render_template(template, project, CHOSEN[0])
    run(project, "uv", "sync", "--quiet", "--python", python)
    run(project, "uv", "run", "--no-sync", "house-prices", "demo", "--profile", "smoke")
    assert "3.13" in run(project, "uv", "run", "--no-sync", "python", "--version")
    parts = ["tests/test_models.py", "tests/test_data.py", "tests/test_service_requests.py"]
    run(project, "uv", "run", "--no-sync", "pytest", "-q", *parts)


@pytest.mark.slow
@pytest.mark.parametrize(
    "stack", [everything("house-prices"), nothing("sign-language")], ids=stack_name
)
def test_the_floors_of_all_ranges_work_together(
    stack: dict[str, Any], template: Path, tmp_path: Path
) -> None:
    """The lowest versions that pyproject.toml admits train and predict: a floor is a tested one."""
    project = tmp_path / "project"
    render_for_this_machine(template, project, stack)
    run(project, "uv", "lock", "--resolution", "lowest-direct", "--quiet")
    run(project, "uv", "sync", "--resolution", "lowest-direct", "--quiet")
    run(project, "uv", "run", "--no-sync", stack["capstone"], "train", "--profile", "smoke")
    run(project, "uv", "run", "--no-sync", "pytest", "-q")


@pytest.mark.slow
@each_capstone
def test_the_serving_group_alone_serves(
    capstone: str, template: Path, install: Install, tmp_path: Path
) -> None:
    trained = install(**nothing(capstone))
    run(trained, "uv", "run", capstone, "train", "--profile", "smoke")
    project = tmp_path / "project"
    render_for_this_machine(template, project, nothing(capstone))
    shutil.copytree(trained / "artifacts", project / "artifacts")
    run(
        project, "uv", "sync", "--quiet", "--no-default-groups", "--group", "serve", "--no-editable"
    )
    installed = {path.name for path in (project / ".venv").rglob("site-packages/*")}
    assert {"fastapi", "onnxruntime"} <= installed
    training = {"sklearn", "catboost", "pandas", "mlflow", "matplotlib", "torch", "keras", "pytest"}
    assert not installed & training
    ask(project, "uv", "run", "--no-sync", capstone)
