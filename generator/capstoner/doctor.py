"""What this machine has, what it lacks for which option, and how to get it."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from capstoner import console, git
from capstoner.catalog import Catalog
from capstoner.project import find_uv

OLDEST_PYTHON = (3, 11)
OLDEST_UV = (0, 5)  # dependency groups and `exclude-newer` in a lock file
SPARE_MEGABYTES = 2_000  # for data, models and uv's cache beside the environment

# How to get a thing, by what `platform.system()` says.
Remedy = Mapping[str, str]
SYSTEMS = {"Linux": "Linux", "Darwin": "macOS", "Windows": "Windows"}


@dataclass(frozen=True)
class Check:
    """One thing that was looked for."""

    name: str
    found: str
    good: bool
    needed_for: str
    required: bool
    remedy: Remedy


def examine(catalog: Catalog, folder: Path) -> list[Check]:
    """Look for everything that the template's capstones and options need.

    Parameters
    ----------
    catalog
        What the template offers; checks for options that it lacks are left out.
    folder
        Where projects would be made; its disk is measured.

    Returns
    -------
    list of Check
        In the order of importance. Nothing is installed or changed.
    """
    offered = {choice.value for question in catalog.options for choice in question.choices}
    checks = [_python(), _uv(), _git(), _disk(catalog, folder), _package_index()]
    if "docker" in offered:
        checks.append(_container_engine())
    return checks


def _python() -> Check:
    return Check(
        name="Python",
        found=platform.python_version(),
        good=sys.version_info >= OLDEST_PYTHON,
        needed_for=f"everything; {_words(OLDEST_PYTHON)} or newer",
        required=True,
        remedy=dict.fromkeys(SYSTEMS, "uv python install 3.12"),
    )


def _uv() -> Check:
    said = _output([find_uv() or "uv", "--version"])
    version = _version(said)
    return Check(
        name="uv",
        found=_words(version) if version else "not found",
        good=version is not None and version >= OLDEST_UV,
        needed_for=f"the lock file, the environment, every command; {_words(OLDEST_UV)} or newer",
        required=True,
        remedy={
            "Linux": "pip install uv   (or: curl -LsSf https://astral.sh/uv/install.sh | sh)",
            "Darwin": "brew install uv   (or: pip install uv)",
            "Windows": "winget install astral-sh.uv   (or: pip install uv)",
        },
    )


def _git() -> Check:
    version = git.version()
    return Check(
        name="Git",
        found=_words(version) if version else "not found",
        good=version is not None and version >= git.OLDEST_GIT,
        needed_for=f"the first commit and every update; {_words(git.OLDEST_GIT)} or newer",
        required=True,
        remedy=GET_GIT,
    )


GET_GIT: Remedy = {
    "Linux": "sudo apt install git   (Fedora: sudo dnf install git)",
    "Darwin": "xcode-select --install   (or: brew install git)",
    "Windows": "winget install Git.Git",
}


def _disk(catalog: Catalog, folder: Path) -> Check:
    free = shutil.disk_usage(folder).free // 1_000_000
    largest = max((stack.weight.disk_megabytes for stack in catalog.sizes.stacks), default=0)
    needed = largest + SPARE_MEGABYTES
    return Check(
        name="Disk space",
        found=f"{console.megabytes(free)} free",
        good=free >= needed,
        needed_for=f"the largest environment, data and models: {console.megabytes(needed)}",
        required=True,
        remedy=dict.fromkeys(SYSTEMS, "uv cache prune   (or choose a folder on another disk)"),
    )


def _package_index() -> Check:
    """Ask uv to resolve one package: it knows the configured index, mirror and certificates."""
    with tempfile.TemporaryDirectory() as nowhere:
        said = _output(
            [find_uv() or "uv", "pip", "compile", "--quiet", "--no-deps", "--no-cache", "-"],
            text="packaging",
            folder=Path(nowhere),
            environment={**os.environ, "UV_HTTP_RETRIES": "1"},
            seconds=30,
        )
    return Check(
        name="Package index",
        found="answers" if said and "packaging==" in said else "does not answer",
        good=bool(said and "packaging==" in said),
        needed_for="the packages of a new project; nothing else needs the network",
        required=False,
        remedy=dict.fromkeys(
            SYSTEMS,
            "Look at the network; behind a mirror set UV_DEFAULT_INDEX, behind a proxy HTTPS_PROXY",
        ),
    )


def _container_engine() -> Check:
    found, good = "not found", False
    # What only a working engine answers; podman has no server to ask on Linux.
    questions = {
        "docker": ["version", "--format", "{{.Server.Version}}"],
        "podman": ["info", "--format", "{{.Version.Version}}"],
    }
    for engine, question in questions.items():
        if not shutil.which(engine):
            continue
        version = _version(_output([engine, *question]))
        if version:
            found, good = f"{engine} {_words(version)}", True
            break
        found = f"{engine} is installed, its engine does not answer"
    return Check(
        name="Docker or Podman",
        found=found,
        good=good,
        needed_for="ops=docker: to build and run the image",
        required=False,
        remedy={
            "Linux": "https://docs.docker.com/engine/install   (or: sudo apt install podman); "
            "if it is installed: sudo systemctl start docker",
            "Darwin": "brew install --cask docker   (or: brew install podman), then start it",
            "Windows": "winget install Docker.DockerDesktop, then start it",
        },
    )


def _output(
    command: Sequence[str],
    *,
    text: str | None = None,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    seconds: float = 10,
) -> str | None:
    """Return what a command printed; None if it is missing, fails or takes too long."""
    try:
        result = subprocess.run(
            command,
            input=text or "",
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout


def _version(text: str | None) -> tuple[int, ...] | None:
    numbers = re.search(r"\d+(\.\d+)+", text or "")
    return tuple(int(number) for number in numbers[0].split(".")) if numbers else None


def _words(version: Sequence[int]) -> str:
    return ".".join(str(number) for number in version)
