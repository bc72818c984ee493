"""Where uv finds PyTorch on this machine: on its public index, or in a folder that pip knows.

The index for CPUs may be out of reach where packages come from a mirror. The package index itself
has only builds of several gigabytes for GPUs, which no test needs.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

INDEX = re.compile(r'url = "(https://download\.pytorch\.org/[^"]+)"')
WHEEL = re.compile(rf"torch-([^-]+\+cpu)-cp{sys.version_info.major}{sys.version_info.minor}-")


def obstacle(project: Path) -> str | None:
    """Let uv take PyTorch from where this machine can reach it; return why it cannot, if so."""
    pyproject = project / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    index = INDEX.search(text)
    if index is None or _answers(f"{index[1]}/torch/"):
        return None
    wheel = _wheel()
    if wheel is None:
        return f"{index[1]} is out of reach, and pip knows no folder with a build of torch for CPUs"
    folder, version = wheel
    os.environ.update({"UV_NO_SOURCES": "1", "UV_FIND_LINKS": folder})
    constraint = f'[tool.uv]\nconstraint-dependencies = ["torch=={version}"]\n'
    pyproject.write_text(text.replace("[tool.uv]\n", constraint), encoding="utf-8")
    return None


@functools.cache
def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 (of our own template)
            return True
    except OSError:
        return False


@functools.cache
def _wheel() -> tuple[str, str] | None:
    """Return the folder and the version of a build for the CPU that pip would find."""
    # The pip of the machine: an environment that uv makes has none.
    pip = shutil.which("pip")
    said = ""
    if pip:
        command = [pip, "config", "get", "global.find-links"]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for folder in f"{os.environ.get('PIP_FIND_LINKS', '')} {said}".split():
        for file in sorted(Path(folder).glob("torch-*.whl")) if Path(folder).is_dir() else ():
            if found := WHEEL.match(file.name):
                return folder, found[1]
    return None
