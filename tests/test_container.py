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
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


def post(url: str, content: Any, **headers: str) -> Any:
    body = json.dumps(content).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@dataclass
class Page:
    """One person's open page of the Gradio app, asked over HTTP as its own script does it."""

    url: str
    session: str = field(default_factory=lambda: uuid.uuid4().hex)

    def event(self, function: int, values: list[Any]) -> dict[str, Any]:
        event = {"fn_index": function, "data": values, "session_hash": self.session}
        post(f"{self.url}/gradio_api/queue/join", event)
        messages = f"{self.url}/gradio_api/queue/data?session_hash={self.session}"
        with urllib.request.urlopen(messages, timeout=60) as lines:
            for line in lines:
                if line.startswith(b"data: "):
                    message = json.loads(line.removeprefix(b"data: "))
                    if message["msg"] == "process_completed":
                        assert message["success"], message
                        output: dict[str, Any] = message["output"]
                        return output
        pytest.fail("the app ended its answer early")

    def predict(self, label: str, value: Any) -> str:
        """Fill in one field of the example, press the button, and return what is drawn."""
        [load] = json.loads(get(f"{self.url}/config"))["dependencies"]
        form = self.event(load["id"], [])["render_config"]
        props = {component["id"]: component["props"] for component in form["components"]}
        [button] = [key for key, each in props.items() if each.get("elem_id") == "predict"]
        [click] = [each for each in form["dependencies"] if [button, "click"] in each["targets"]]
        labels = [props[key]["label"] for key in click["inputs"]]
        values = [props[key].get("value") for key in click["inputs"]]
        values[labels.index(label)] = value
        [drawn] = self.event(click["id"], values)["data"]
        return str(drawn)


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
    answers = {"ops": ["docker", "monitoring"], "ui": "gradio", "python_version": "3.11"}
    render_template(template, folder, answers)
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


def held(engine: Engine, image: str) -> set[str]:
    code = (
        "from importlib.metadata import distributions;"
        "print(' '.join(d.metadata['Name'].lower() for d in distributions(path=['/app/.venv/lib/"
        "python3.11/site-packages'])))"
    )
    names = engine("run", "--rm", "--network=none", "--entrypoint=python", image, "-c", code)
    return set(names.split())


def test_the_service_image_holds_nothing_that_trains_or_tests(
    engine: Engine, service_image: str
) -> None:
    packages = held(engine, service_image)
    assert {"onnxruntime", "fastapi", "house-prices"} <= packages
    assert not {"scikit-learn", "catboost", "pandas", "mlflow", "pytest", "uv", "pip"} & packages
    assert "gradio" not in packages


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


def test_the_app_image_asks_the_service_with_the_least_rights(
    engine: Engine, project: Path, service_image: str
) -> None:
    image = engine.build(project, "ui")
    packages = held(engine, image)
    assert {"gradio", "house-prices"} <= packages
    assert not {"onnxruntime", "scikit-learn", "mlflow", "torch", "pytest", "uv"} & packages

    port = free_port()
    key = "--env=APP_API_KEY=sesame"
    publish = [f"--publish=127.0.0.1:{port}:{port}"] if engine.has_bridge else []
    with engine.running(service_image, 8000, mounted(project), key, *publish) as (service, url):
        engine.wait_until_healthy(service)
        # It stands in the service's own network, so it finds it on loopback with every engine.
        options = [f"--network=container:{service}", f"--env=APP_UI_PORT={port}", key]
        address = "http://127.0.0.1:8000" if engine.has_bridge else url
        app = engine("run", "--detach", *HARDENED, *options, f"--env=APP_API_URL={address}", image)
        try:
            engine.wait_until_healthy(app)
            assert "gradio" in get(f"http://127.0.0.1:{port}")
            drawn = Page(f"http://127.0.0.1:{port}").predict("Gr Liv Area", 3000)
            with pytest.raises(urllib.error.HTTPError, match="401"):
                get(f"{url}/v1/model")
            asked = urllib.request.Request(f"{url}/v1/model", headers={"X-API-Key": "sesame"})
            with urllib.request.urlopen(asked, timeout=30) as response:
                example = json.load(response)["metadata"]["example"]
            request = example | {"Gr_Liv_Area": 3000}
            answer = post(f"{url}/v1/predict", request, **{"X-API-Key": "sesame"})
            assert f"{answer['prediction']:,.0f}" in drawn
            assert engine("exec", app, "id", "-u") == "10001"
            for place in ("/app/x", "/x"):
                assert "Read-only" in engine("exec", app, "touch", place, ok=False)
            start = time.monotonic()
            engine("stop", "--time=15", app)
            assert time.monotonic() - start < 14, "it was killed instead of stopping"
        finally:
            engine("rm", "--force", app)


def test_compose_runs_the_service_beside_mlflow_and_the_app(engine: Engine, project: Path) -> None:
    if not answers(engine.name, "compose", "version"):
        pytest.skip(f"there is no `{engine.name} compose` on this machine")
    if not engine.has_bridge:
        pytest.skip("this engine has no bridge network, which compose needs")
    ports = ("APP_PORT", "MLFLOW_PORT", "APP_UI_PORT")
    environment = {name: str(free_port()) for name in ports} | {"APP_API_KEY": ""}
    compose = [engine.name, "compose", "--project-name", "capstoner-test"]
    built = {"service": "house-prices", "mlflow": "house-prices-mlflow", "ui": "house-prices-ui"}
    for stage, name in built.items():  # compose takes what is built: it has no `--network`.
        engine("tag", engine.build(project, stage), name)
    try:
        # Prometheus and Grafana come from a registry, which need not be in reach.
        run(*compose, "up", "--wait", "--no-build", *built, cwd=project, environment=environment)
        assert "Answered:" in ask(project, f"http://127.0.0.1:{environment['APP_PORT']}")
        logged = [*compose, "exec", "-T", "service", "ls", "/monitoring"]
        for _ in range(60):
            if run(*logged, cwd=project, environment=environment):
                break
            time.sleep(0.5)
        assert "requests-" in run(*logged, cwd=project, environment=environment)
        app = Page(f"http://127.0.0.1:{environment['APP_UI_PORT']}")
        assert "90% of such cases" in app.predict("Gr Liv Area", 3000)
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
    for stage in ("service", "bundled", "mlflow", "ui"):
        answers(engine.name, "image", "rm", "--force", f"capstoner-test-{stage}")
