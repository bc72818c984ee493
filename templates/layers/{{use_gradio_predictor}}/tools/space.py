"""Assemble dist/space: a folder that a Hugging Face Space runs as it is."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
SPACE = ROOT / "dist" / "space"


def main() -> None:
    """Copy the package and the champion, and export the locked requirements."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    champion = ROOT / "artifacts" / "champion"
    if not champion.exists():
        sys.exit("There is no champion to carry. Train one first.")
    version = champion.read_text(encoding="utf-8").strip()
    [package] = [path.parent for path in (ROOT / "src").glob("*/cli.py")]
    requirements = locked()
    if SPACE.exists():
        keep_history(SPACE)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(package, SPACE / package.name, ignore=ignored)
    versions = Path("artifacts", "versions", version)
    shutil.copytree(ROOT / versions, SPACE / versions)
    shutil.copy(champion, SPACE / "artifacts" / "champion")
    write("requirements.txt", requirements)
    write("app.py", f"from {package.name}.ui.space import main\n\nmain()\n")
    write("README.md", readme(project["project"], requirements))
    print(f"Assembled: {SPACE}")


def keep_history(folder: Path) -> None:
    """Empty the folder, but leave the clone of the Space that it may be."""
    for path in folder.iterdir():
        if path.name == ".git":
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def locked() -> str:
    """Return the requirements of service and app as they are locked."""
    command = ["uv", "export", "--quiet", "--no-default-groups", "--group", "serve"]
    command += ["--group", "ui", "--no-hashes", "--no-emit-project"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def readme(project: dict[str, str], requirements: str) -> str:
    """Return the page of the Space, with the header that it is configured by."""
    gradio = re.findall(r"^gradio==(\S+)", requirements, re.MULTILINE)[0]
    python = re.findall(r"\d+\.\d+", project["requires-python"])[0]
    title = project["name"].replace("-", " ").capitalize()
    header = {
        "title": title,
        "sdk": "gradio",
        "sdk_version": gradio,
        "python_version": f'"{python}"',
        "app_file": "app.py",
    }
    lines = "\n".join(f"{name}: {value}" for name, value in header.items())
    return f"---\n{lines}\n---\n\n# {title}\n\n{project['description']}\n"


def write(name: str, text: str) -> None:
    """Write a file of the Space."""
    SPACE.mkdir(parents=True, exist_ok=True)
    (SPACE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
