"""Images and compose of a generated project, really built and run by the engine that is there.

`CAPSTONER_TEST_BASE_IMAGE` names a base image where the registry is out of reach.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from render import render as render_template

pytestmark = pytest.mark.container

BASE_IMAGE = os.environ.get("CAPSTONER_TEST_BASE_IMAGE", "python:3.11-slim")
# What each container is started with: as compose.yaml does it.
HARDENED = [
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--memory=512m",
    "--pids-limit=128",
]
HEALTHY_WITHIN_SECONDS = 90


def run(
    *command: str,
    cwd: Path | None = None,
    ok: bool = True,
    environment: Mapping[str, str] | None = None,
) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    output = done.stdout + done.stderr
    assert (done.returncode == 0) == ok, f"{' '.join(command)}\n{output[-6000:]}"
    return done.stdout.strip() if ok else output


def answers(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass
class Engine:
    """Docker or Podman, which take the same commands."""

    name: str

    def __call__(self, *arguments: str, ok: bool = True) -> str:
        return run(self.name, *arguments, ok=ok)

    @property
    def has_bridge(self) -> bool:
        """Whether containers get a network of their own; without, they share the machine's."""
        return self.name == "podman" or bool(self("network", "ls", "-q", "--filter=driver=bridge"))

    def build(self, project: Path, stage: str) -> str:
        tag = f"capstoner-test-{stage}"
        # Podman's own format has no HEALTHCHECK.
        docker_format = ["--format=docker"] if self.name == "podman" else []
        options = ["--network=host", f"--build-arg=PYTHON_IMAGE={BASE_IMAGE}", *docker_format]
        self("build", *options, f"--target={stage}", f"--tag={tag}", str(project))
        return tag

    @contextmanager
    def running(self, image: str, inner_port: int, *options: str) -> Iterator[tuple[str, str]]:
        """Start a hardened container; give its id and the address of its port."""
        port = free_port()
        if self.has_bridge:
            network = [f"--publish=127.0.0.1:{port}:{inner_port}"]
        else:
            network = ["--network=host", f"--env=APP_PORT={port}"]
        container = self("run", "--detach", *HARDENED, *network, *options, image)
        try:
            yield container, f"http://127.0.0.1:{port}"
        finally:
            self("rm", "--force", container)

    def wait_until_healthy(self, container: str) -> None:
        status = ""
        for _ in range(HEALTHY_WITHIN_SECONDS):
            status = self(
                "inspect", "--format={{.State.Status}} {{.State.Health.Status}}", container
            )
            if status == "running healthy":
                return
            if not status.startswith("running"):
                break
            time.sleep(1)
        pytest.fail(f"{status}\n{self('logs', container)}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as response:
        text: str = response.read().decode()
        return text


@pytest.fixture(scope="module")
def engine() -> Engine:
    found = [name for name in ("docker", "podman") if answers(name, "info")]
    if not found:
        pytest.skip("no container engine answers: neither `docker info` nor `podman info` succeeds")
    engine = Engine(found[0])
    here = answers(engine.name, "image", "inspect", BASE_IMAGE)
    if not here and not answers(engine.name, "pull", "--quiet", BASE_IMAGE):
        pytest.skip(
            f"{BASE_IMAGE} is neither here nor can it be pulled (CAPSTONER_TEST_BASE_IMAGE)"
        )
    return engine


@pytest.fixture(scope="module")
def project(engine: Engine, template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a champion of the smoke profile; made only where there is an engine."""
    folder = tmp_path_factory.mktemp("container") / "project"
    render_template(template, folder, {"ops": ["docker"], "python_version": "3.11"})
    run("uv", "run", "house-prices", "train", "--profile", "smoke", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def service_image(engine: Engine, project: Path) -> str:
    image = engine.build(project, "service")
    sizes = [
        int(engine("image", "inspect", "--format={{.Size}}", name)) for name in (image, BASE_IMAGE)
    ]
    print(f"size: {sizes[0] / 1e6:.0f} MB, of which the base {sizes[1] / 1e6:.0f} MB")
    return image


def mounted(project: Path) -> str:
    return f"--volume={project / 'artifacts'}:/app/artifacts:ro"


def ask(project: Path, url: str) -> str:
    code = f"from house_prices.first_request import send; print(send({url!r}))"
    return run("uv", "run", "python", "-c", code, cwd=project)


def test_the_service_image_answers_with_the_least_rights(
    engine: Engine, project: Path, service_image: str
) -> None:
    with engine.running(service_image, 8000, mounted(project)) as (container, url):
        engine.wait_until_healthy(container)
        champion = (project / "artifacts" / "champion").read_text(encoding="utf-8").strip()
        assert json.loads(get(f"{url}/readyz"))["model"] == champion
        assert "Answered:" in ask(project, url)
        assert engine("exec", container, "id", "-u") == "10001"
        for place in ("/app/x", "/app/artifacts/x", "/x"):
            assert "Read-only" in engine("exec", container, "touch", place, ok=False)
        start = time.monotonic()
        engine("stop", "--time=15", container)
        assert time.monotonic() - start < 14, "it was killed instead of stopping"
        assert engine("inspect", "--format={{.State.ExitCode}}", container) == "0"


def test_the_service_image_holds_nothing_that_trains_or_tests(
    engine: Engine, service_image: str
) -> None:
    code = (
        "from importlib.metadata import distributions;"
        "print(' '.join(d.metadata['Name'].lower() for d in distributions(path=['/app/.venv/lib/"
        "python3.11/site-packages'])))"
    )
    held = engine(
        "run", "--rm", "--network=none", "--entrypoint=python", service_image, "-c", code
    ).split()
    assert {"onnxruntime", "fastapi", "house-prices"} <= set(held)
    assert not {"scikit-learn", "catboost", "pandas", "mlflow", "pytest", "uv", "pip"} & set(held)


def test_the_service_image_without_a_model_says_what_to_do(
    engine: Engine, service_image: str
) -> None:
    output = engine("run", "--rm", "--network=none", *HARDENED, service_image, ok=False)
    assert "no trained model" in output
    assert "train" in output
    assert "Traceback" not in output


def test_a_new_champion_is_taken_over_through_the_mount(
    engine: Engine, project: Path, service_image: str
) -> None:
    """The pointer is replaced on the machine; the container sees the folder, not the old file."""
    code = (
        "from pathlib import Path; import shutil\n"
        "from house_prices.artifact import new_artifact\n"
        "from house_prices.promotion import champion, set_champion\n"
        "root = Path('artifacts'); old = champion(root)\n"
        "with new_artifact(root) as draft:\n"
        "    for name in old.metadata.files:\n"
        "        (draft.path / name).parent.mkdir(parents=True, exist_ok=True)\n"
        "        shutil.copy(old.file(name), draft.path / name)\n"
        "    draft.commit(old.metadata.model_copy(update={'id': draft.id}))\n"
        "set_champion(root, draft.id); print(draft.id)"
    )
    with engine.running(service_image, 8000, mounted(project)) as (container, url):
        engine.wait_until_healthy(container)
        newer = run("uv", "run", "python", "-c", code, cwd=project)
        for _ in range(60):
            if json.loads(get(f"{url}/readyz"))["model"] == newer:
                break
            time.sleep(0.5)
        assert json.loads(get(f"{url}/readyz"))["model"] == newer


def test_the_bundled_image_needs_no_mount_and_holds_one_version(
    engine: Engine, project: Path
) -> None:
    image = engine.build(project, "bundled")
    with engine.running(image, 8000) as (container, url):
        engine.wait_until_healthy(container)
        champion = (project / "artifacts" / "champion").read_text(encoding="utf-8").strip()
        assert engine("exec", container, "ls", "/app/artifacts/versions").split() == [champion]
        assert engine("exec", container, "ls", "/app/artifacts").split() == ["champion", "versions"]
        assert "Answered:" in ask(project, url)


def test_compose_runs_the_service_beside_mlflow(engine: Engine, project: Path) -> None:
    if not answers(engine.name, "compose", "version"):
        pytest.skip(f"there is no `{engine.name} compose` on this machine")
    if not engine.has_bridge:
        pytest.skip("this engine has no bridge network, which compose needs")
    environment = {"APP_PORT": str(free_port()), "MLFLOW_PORT": str(free_port())}
    compose = [engine.name, "compose", "--project-name", "capstoner-test"]
    for stage in ("service", "mlflow"):  # compose takes what is built: it has no `--network`.
        image = engine.build(project, stage)
        engine("tag", image, {"service": "house-prices", "mlflow": "house-prices-mlflow"}[stage])
    try:
        run(*compose, "up", "--wait", "--no-build", cwd=project, environment=environment)
        assert "Answered:" in ask(project, f"http://127.0.0.1:{environment['APP_PORT']}")
        tracking = f"http://127.0.0.1:{environment['MLFLOW_PORT']}"
        assert get(f"{tracking}/health") == "OK"
        foreign = urllib.request.Request(
            f"{tracking}/api/2.0/mlflow/experiments/search", headers={"Host": "evil.example.com"}
        )
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(foreign, timeout=30)
        train = ["uv", "run", "house-prices", "train", "--profile", "smoke"]
        run(*train, cwd=project, environment={"MLFLOW_TRACKING_URI": tracking})
        models = urllib.request.urlopen(
            f"{tracking}/api/2.0/mlflow/registered-models/search", timeout=30
        )
        assert json.load(models)["registered_models"][0]["name"] == "house-prices"
    finally:
        run(*compose, "down", "--volumes", cwd=project, environment=environment)


@pytest.fixture(scope="module", autouse=True)
def clean_up(engine: Engine) -> Iterator[None]:
    yield
    for stage in ("service", "bundled", "mlflow"):
        answers(engine.name, "image", "rm", "--force", f"capstoner-test-{stage}")
