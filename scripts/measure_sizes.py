"""Measure what stacks weigh and how long they train: `uv run python scripts/measure_sizes.py`.

With names of capstones behind it, only these are measured, and the other rows stay.

Every stack is made by `capstoner new` from HEAD of this clone and installed for real: each preset,
and each choice alone on top of the lightest one. A choice that changes no dependency is not
installed: it adds nothing. On disk are all files of an environment; the download is the sum of the
installed wheels, as uv.lock lists them. The demo of each preset is timed once its packages are
there. The table goes to templates/sizes.toml, which `capstoner new` and `capstoner show` read.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

from capstoner.catalog import Catalog, load, propose
from capstoner.files import FolderFiles
from capstoner.project import Project
from capstoner.sizes import Weight
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name, parse_wheel_filename
from pytorch import obstacle

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "templates" / "sizes.toml"
PYTHON = ".".join(platform.python_version_tuple()[:2])
MEGABYTE = 1_000_000
# Our own environment must not be taken for that of a project.
os.environ.pop("VIRTUAL_ENV", None)

Row = dict[str, Any]


def main() -> None:
    """Measure all capstones, or those that are named, and replace their rows of the table."""
    offered = load(FolderFiles(REPOSITORY).read)
    before = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    stacks: list[Row] = []
    additions: list[Row] = []
    for capstone in (choice.value for choice in offered.capstones):
        if sys.argv[1:] and capstone not in sys.argv[1:]:
            presets, alone = (
                [row for row in before[kind] if row["capstone"] == capstone]
                for kind in ("stack", "addition")
            )
        else:
            presets, alone = measure(offered, capstone)
        stacks += presets
        additions += alone
    cores = os.cpu_count()
    machine = f"Python {PYTHON} on {platform.system()} {platform.machine()}, {cores} cores"
    text = "\n".join(
        [
            "# What whole stacks weigh, and what each choice alone adds to the first of them.",
            "# scripts/measure_sizes.py writes this.",
            f"measured_on = {datetime.datetime.now(tz=datetime.UTC).date()}",
            f"measured_with = {json.dumps(machine)}",
            *[f"\n[[stack]]\n{as_toml(row)}" for row in stacks],
            *[f"\n[[addition]]\n{as_toml(row)}" for row in additions],
            "",
        ]
    )
    beside = TABLE.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(TABLE)


def measure(offered: Catalog, capstone: str) -> tuple[list[Row], list[Row]]:
    """Measure one capstone: a row for each preset, and a row for each choice."""
    stacks: list[Row] = []
    additions: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lightest = make(folder / "0", capstone, offered.presets[0].name)
        base = install(lightest)
        stack = {question.name for question in offered.stack}
        for preset in offered.presets:
            proposals = propose(offered, {"capstone": capstone}, preset)
            answers = {p.question.name: p.answer for p in proposals if p.question.name in stack}
            row: Row = {"capstone": capstone, "preset": preset.name, "answers": answers}
            same = next((other for other in stacks if other["answers"] == answers), None)
            if same:
                row = {**same, **row}
            elif not stacks:
                row |= {**base._asdict(), "demo_seconds": demo(lightest)}
            else:
                project = make(folder / preset.name, capstone, preset.name)
                row |= {**install(project)._asdict(), "demo_seconds": demo(project)}
            stacks.append(row)
            print(row, file=sys.stderr)

        fitting = stacks[0]["answers"]
        for question in offered.stack:
            for choice in question.choices:
                if question.name not in fitting or choice.value == fitting[question.name]:
                    continue
                words = (f"{question.name}={choice.value}",)
                project = make(folder / "-".join(words), capstone, stacks[0]["preset"], *words)
                same_packages = dependencies(project) == dependencies(lightest)
                weight = base if same_packages else install(project)
                added = Weight(*(here - there for here, there in zip(weight, base, strict=True)))
                row = {"capstone": capstone, "question": question.name, "choice": choice.value}
                additions.append({**row, **added._asdict()})
                print(additions[-1], file=sys.stderr)
    return stacks, additions


def make(folder: Path, capstone: str, preset: str, *settings: str) -> Path:
    """Make one project, without its environment."""
    words = [word for setting in settings for word in ("--set", setting)]
    new = ["new", capstone, str(folder), "--defaults", "--no-install", "--preset", preset, *words]
    subprocess.run([sys.executable, "-m", "capstoner", *new], check=True, stdout=subprocess.DEVNULL)
    if reason := obstacle(folder):
        raise SystemExit(reason)
    return folder


def dependencies(project: Path) -> Any:
    """Return all that decides what is installed."""
    table = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    return table["project"]["dependencies"], table["dependency-groups"], table["tool"]["uv"]


def install(project: Path) -> Weight:
    """Install a project; return what its environment weighs."""
    command = ["uv", "sync", "--quiet", "--python", PYTHON]
    subprocess.run(command, cwd=project, check=True)
    installed = installed_wheels(project / ".venv")
    files = [path for path in (project / ".venv").rglob("*") if path.is_file()]
    return Weight(
        packages=len(installed),
        download_megabytes=round(download_bytes(project / "uv.lock", installed) / MEGABYTE),
        disk_megabytes=round(sum(path.lstat().st_size for path in files) / MEGABYTE),
    )


def demo(project: Path) -> int:
    """Run the demo of an installed project twice; return the seconds of the quicker run.

    The first also compiles the packages, and other work on the machine slows either.
    """
    seconds = []
    command = ["uv", "run", Project(project).command, "demo"]
    for _ in range(2):
        began = time.monotonic()
        subprocess.run(command, cwd=project, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - began)
    return round(min(seconds))


def installed_wheels(environment: Path) -> dict[tuple[str, str], frozenset[Tag]]:
    """Map name and version of each package, but the project itself, to the tags of its wheel."""
    found = {}
    # Deeper there are those that setuptools carries inside itself.
    for record in environment.rglob("site-packages/*.dist-info/WHEEL"):
        if (record.parent / "direct_url.json").exists():  # the project itself
            continue
        name, _, version = record.parent.name.removesuffix(".dist-info").partition("-")
        lines = record.read_text(encoding="utf-8").splitlines()
        tags = [parse_tag(line.removeprefix("Tag: ")) for line in lines if line.startswith("Tag: ")]
        found[str(canonicalize_name(name)), version] = frozenset().union(*tags)
    return found


def download_bytes(lock: Path, installed: dict[tuple[str, str], frozenset[Tag]]) -> int:
    """Sum the sizes of the wheels that were installed; each must be found in the lock file."""
    total = 0
    left = set(installed)
    for package in tomllib.loads(lock.read_text(encoding="utf-8"))["package"]:
        tags = installed.get((package["name"], package["version"]))
        if tags is None:  # for another Python or system
            continue
        wheels = {
            wheel.get("url", wheel.get("path", wheel.get("filename"))).rpartition("/")[2]: wheel
            for wheel in package.get("wheels", [])
        }
        sizes = [
            wheel.get("size") or Path(wheel["path"]).stat().st_size  # of a file on this machine
            for filename, wheel in wheels.items()
            if parse_wheel_filename(filename)[3] & tags
        ]
        if not sizes:
            raise SystemExit(f"{package['name']}: no wheel of the lock file is the installed one")
        total += sizes[0]
        left.remove((package["name"], package["version"]))
    if left:
        raise SystemExit(f"installed, but not in the lock file: {sorted(left)}")
    return total


def as_toml(row: Row) -> str:
    """Write one row: JSON's texts, whole numbers and lists are TOML's too."""
    return "\n".join(f"{name} = {_value(value)}" for name, value in row.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_value(inner)}" for name, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
