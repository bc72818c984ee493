"""Measure what the environment of each stack weighs: `uv run python scripts/measure_sizes.py`.

Each stack is made by `capstoner new` from HEAD of this clone and installed for real. On disk are
all files of its environment; the download is the sum of the installed wheels, as uv.lock lists
them. The table goes to templates/sizes.toml, which `capstoner new` and `capstoner show` read.
"""

from __future__ import annotations

import datetime
import itertools
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from capstoner import catalog, source
from packaging.tags import Tag, parse_tag
from packaging.utils import canonicalize_name, parse_wheel_filename

REPOSITORY = Path(__file__).resolve().parent.parent
TABLE = REPOSITORY / "templates" / "sizes.toml"
# The questions whose answer changes what is installed.
DECISIVE = ["tracking"]
MEGABYTE = 1_000_000


def main() -> None:
    """Measure all stacks and replace the table."""
    offered = catalog.load(lambda path: source.read_folder(REPOSITORY, path))
    choices = [[(name, c.value) for c in offered.question(name).choices] for name in DECISIVE]
    rows = []
    for capstone in offered.capstones:
        for answers in itertools.product(*choices):
            with tempfile.TemporaryDirectory() as folder:
                project = Path(folder) / "project"
                row = measure(project, capstone.value, dict(answers))
            print(row, file=sys.stderr)
            rows.append(row)
    python = ".".join(platform.python_version_tuple()[:2])
    text = "\n".join(
        [
            "# What the whole environment of a stack weighs; scripts/measure_sizes.py writes this.",
            f"measured_on = {datetime.datetime.now(tz=datetime.UTC).date()}",
            f'measured_with = "Python {python} on {platform.system()} {platform.machine()}"',
            *[f"\n[[environment]]\n{as_toml(row)}" for row in rows],
            "",
        ]
    )
    beside = TABLE.with_suffix(".new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(TABLE)


def measure(project: Path, capstone: str, answers: dict[str, str]) -> dict[str, Any]:
    """Make and install one stack; return its row of the table, sizes in megabytes."""
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    settings = [word for name, value in answers.items() for word in ("--set", f"{name}={value}")]
    new = ["new", capstone, str(project), "--defaults", "--no-install", *settings]
    subprocess.run([sys.executable, "-m", "capstoner", *new], check=True, stdout=sys.stderr)
    version = ".".join(platform.python_version_tuple()[:2])
    subprocess.run(
        ["uv", "sync", "--quiet", "--python", version], cwd=project, check=True, env=environment
    )
    installed = installed_wheels(project / ".venv")
    files = [path for path in (project / ".venv").rglob("*") if path.is_file()]
    return {
        "capstone": capstone,
        "answers": answers,
        "packages": len(installed),
        "download_megabytes": round(download_bytes(project / "uv.lock", installed) / MEGABYTE),
        "disk_megabytes": round(sum(path.lstat().st_size for path in files) / MEGABYTE),
    }


def installed_wheels(environment: Path) -> dict[tuple[str, str], frozenset[Tag]]:
    """Map name and version of each package, but the project itself, to the tags of its wheel."""
    found = {}
    for record in environment.rglob("*.dist-info/WHEEL"):
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
            wheel["size"]
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


def as_toml(row: dict[str, Any]) -> str:
    """Write one row; the values are whole numbers, plain words and one level of table."""
    lines = []
    for name, value in row.items():
        if isinstance(value, dict):
            inside = ", ".join(f'{key} = "{word}"' for key, word in value.items())
            lines.append(f"{name} = {{ {inside} }}")
        else:
            lines.append(f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
