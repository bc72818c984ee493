"""`capstoner doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from capstoner import doctor
from capstoner.catalog import Catalog
from capstoner.sizes import Sizes, Stack, Weight
from generator.toy_template import Finished, Home, write


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with Git and uv alone, to stand for the PATH."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for tool in ("git", "uv"):  # by a script: the real one may be a shim that needs the whole PATH
        script = f'#!/bin/sh\nPATH="{os.environ["PATH"]}" exec "{shutil.which(tool)}" "$@"\n'
        (folder / tool).write_text(script)
        (folder / tool).chmod(0o755)
    return folder


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """The address of a package index that knows one package."""
    page = '<a href="packaging-1.0-py3-none-any.whl">packaging-1.0-py3-none-any.whl</a>'
    write(tmp_path / "index", {"packaging/index.html": page})
    wheel = tmp_path / "index" / "packaging" / "packaging-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        information = "packaging-1.0.dist-info"
        metadata = "Metadata-Version: 2.1\nName: packaging\nVersion: 1.0\n"
        archive.writestr(f"{information}/METADATA", metadata)
        archive.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{information}/RECORD", "")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    handler = functools.partial(Quiet, directory=str(tmp_path / "index"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def examine(home: Home, tools: Path, index: str, *arguments: str) -> Finished:
    return home.run(
        *("doctor", *arguments),
        PATH=str(tools),
        UV="",
        UV_DEFAULT_INDEX=index,
        UV_INDEX="",
        UV_EXTRA_INDEX_URL="",
        UV_FIND_LINKS="",
        UV_NO_CONFIG="1",
        NO_PROXY="127.0.0.1",
    )


def test_a_machine_that_has_all_but_an_engine(home: Home, tools: Path, index: str) -> None:
    result = examine(home, tools, index, "--json")
    report = json.loads(result.stdout)
    good = {check["name"]: check["good"] for check in report["checks"]}
    assert good == {
        "Python": True,
        "uv": True,
        "Git": True,
        "Disk space": True,
        "Package index": True,
        "Docker or Podman": False,
    }
    assert (result.code, report["ready"]) == (0, True)
    assert all(set(check["remedy"]) == {"Linux", "Darwin", "Windows"} for check in report["checks"])

    shown = examine(home, tools, index)
    assert "what is missing is optional" in shown.stdout
    assert "How to get Docker or Podman" in shown.stdout
    assert "ops=docker" in shown.stdout
    assert all(system in shown.stdout for system in ("Linux", "macOS", "Windows"))
    assert "How to get Git" not in shown.stdout


def test_a_machine_that_is_not_ready(home: Home, tools: Path) -> None:
    (tools / "git").unlink()
    nobody = "http://127.0.0.1:9"
    result = examine(home, tools, nobody)
    assert result.code == 1
    assert "Not ready yet: Git." in result.stderr
    assert "winget install Git.Git" in result.stdout
    assert "does not answer" in result.stdout


@pytest.mark.parametrize(
    ("script", "found", "good"),
    [
        ("#!/bin/sh\necho 28.2.2\n", "docker 28.2.2", True),
        ("#!/bin/sh\nexit 1\n", "docker is installed, its engine does not answer", False),
    ],
)
def test_an_engine_has_to_answer(
    home: Home, tools: Path, index: str, script: str, found: str, good: bool
) -> None:
    (tools / "docker").write_text(script)
    (tools / "docker").chmod(0o755)
    checks = json.loads(examine(home, tools, index, "--json").stdout)["checks"]
    engine = next(check for check in checks if check["name"] == "Docker or Podman")
    assert (engine["found"], engine["good"]) == (found, good)


def test_old_tools_are_not_enough(home: Home, tools: Path, index: str) -> None:
    for tool, said in (("uv", "uv 0.4.30"), ("git", "git version 2.30.9 (Apple Git-1)")):
        (tools / tool).unlink()
        (tools / tool).write_text(f"#!/bin/sh\necho '{said}'\n")
        (tools / tool).chmod(0o755)
    result = examine(home, tools, index, "--json")
    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert result.code == 1
    assert (checks["uv"]["found"], checks["uv"]["good"]) == ("0.4.30", False)
    assert (checks["Git"]["found"], checks["Git"]["good"]) == ("2.30.9", False)


def test_the_disk_must_hold_the_largest_environment(tmp_path: Path) -> None:
    huge = Stack("toy", "everything", {}, Weight(1, 1, 10**9), demo_seconds=1)
    checks = doctor.examine(Catalog((), Sizes(stacks=(huge,))), tmp_path)
    disk = next(check for check in checks if check.name == "Disk space")
    assert not disk.good
    assert "1000002.0 GB" in disk.needed_for
    assert "Docker or Podman" not in {check.name for check in checks}, "no option needs an engine"
