"""The questionnaire and the renderings, over all stacks."""

from __future__ import annotations

import itertools
import json
import keyword
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from capstoner.catalog import load
from capstoner.files import FolderFiles
from copier import Settings, run_copy
from jinja2 import Environment, FileSystemLoader
from pytest_copie.plugin import Copie
from render import LAYERS, layer_files
from render import render as render_template
from stacks import ANY_OF, CAPSTONES, ONE_OF, Render, asked, stack_name, stacks

every_stack = pytest.mark.parametrize("stack", stacks(), ids=stack_name)


def text_files(project: Path) -> Iterator[Path]:
    for path in project.rglob("*"):
        if path.is_file() and path.suffix not in {".gz", ".png"}:
            yield path


def ranges(pyproject: dict[str, Any]) -> list[str]:
    """Every version range of a project, those of its groups too."""
    groups = pyproject["dependency-groups"].values()
    return [*pyproject["project"]["dependencies"], *itertools.chain.from_iterable(groups)]


@every_stack
def test_nothing_of_the_template_shines_through(stack: dict[str, Any], render: Render) -> None:
    for path in text_files(render(**stack)):
        text = path.read_text(encoding="utf-8")
        if path.parent.parent.name == "grafana":  # Its legends look like ours: `{{field}}`.
            continue
        # GitHub's own expressions look like `${{ … }}`.
        assert not re.search(r"(?<!\$)\{\{ ?\w+ ?\}\}|\{%", text), path
        assert text.endswith("\n") or not text, path
        assert "{{" not in path.name


@every_stack
def test_configuration_files_are_valid(stack: dict[str, Any], render: Render) -> None:
    project = render(**stack)
    checked = set()
    for path in text_files(project):
        if path.suffix == ".toml":
            tomllib.loads(path.read_text(encoding="utf-8"))
        elif path.suffix in {".yml", ".yaml"}:
            list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        else:
            continue
        checked.add(path.suffix)
    assert {".toml", ".yml"} <= checked


@every_stack
def test_each_rendered_file_comes_from_one_layer(
    stack: dict[str, Any], template: Path, tmp_path: Path
) -> None:
    answers = render_template(template, tmp_path / "project", stack)
    rendered = {
        p.relative_to(tmp_path / "project").as_posix()
        for p in (tmp_path / "project").rglob("*")
        if p.is_file()
    }
    sources = layer_files(answers)  # raises where two layers render one path
    assert set(sources) == rendered - {".copier-answers.yml"}


def test_two_layers_with_one_path_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for layer in ("{{use_base}}", "{{use_docker}}"):
        (tmp_path / layer).mkdir()
        (tmp_path / layer / "same.txt").touch()
    monkeypatch.setattr("render.LAYERS", tmp_path)
    with pytest.raises(ValueError, match=r"same.txt is rendered by .* and by"):
        layer_files({"use_base": ".", "use_docker": ".", "package_name": "x"})


def test_an_option_adds_and_removes_only_its_own_files(render: Render) -> None:
    def files(**answers: Any) -> set[str]:
        project = render(**answers)
        return {p.relative_to(project).as_posix() for p in project.rglob("*") if p.is_file()}

    for question, choices in ANY_OF.items():
        without = files(**{question: []})
        alone = [files(**{question: [choice]}) for choice in choices]
        assert all(without < found for found in alone)
        assert set().union(*alone) <= files(**{question: choices})
    without = files(ops=[])
    assert {"Dockerfile", "compose.yaml", ".dockerignore"} <= files(ops=["docker"]) - without
    assert ".github/workflows/ci.yml" in files(ops=["github-actions"]) - without


def test_no_layer_carries_a_python_template_but_tests_and_notebooks() -> None:
    for path in LAYERS.rglob("*.py.jinja"):
        assert {"tests", "notebooks"}.intersection(path.relative_to(LAYERS).parts), (
            f"{path} chooses by `if`; let a layer choose"
        )
        filled_in = re.findall(r"\{\{.*?\}\}|\{%.*?%\}", path.read_text(encoding="utf-8"))
        assert set(filled_in) <= {"{{ package_name }}"}, path
    for path in LAYERS.rglob("*.py"):
        assert not re.search(r"\{%|\{\{", path.read_text(encoding="utf-8")), path


def test_the_questionnaire_asks_for_no_trust(repository: Path) -> None:
    text = (repository / "copier.yml").read_text(encoding="utf-8")
    for unsafe in ("_tasks", "_migrations", "_jinja_extensions", "_external_data"):
        assert not re.search(rf"^{unsafe}:", text, re.MULTILINE)


def test_every_offered_choice_is_in_the_matrix(template: Path) -> None:
    offered = load(FolderFiles(template).read)
    matrix = {"capstone": CAPSTONES} | ONE_OF | ANY_OF
    without_files = {"python_version", "license"}
    for question in (offered.question("capstone"), *offered.options):
        if question.name not in without_files:
            assert [choice.value for choice in question.choices] == matrix.pop(question.name)
    assert not matrix


def test_every_two_choices_meet_in_a_stack() -> None:
    for capstone in CAPSTONES:
        one_of, any_of = asked(capstone, ONE_OF), asked(capstone, ANY_OF)
        facts: list[set[tuple[str, object]]] = [
            {(question, stack[question]) for question in one_of}
            | {(choice, choice in stack[q]) for q, choices in any_of.items() for choice in choices}
            for stack in stacks()
            if stack["capstone"] == capstone
        ]
        values: list[list[tuple[str, object]]] = [
            [(q, answer) for answer in answers] for q, answers in one_of.items()
        ]
        values += [[(c, True), (c, False)] for choices in any_of.values() for c in choices]
        for one, other in itertools.combinations(values, 2):
            for pair in itertools.product(one, other):
                assert any(set(pair) <= stack for stack in facts), pair


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ({"project_name": ""}, "Use 3 to 50"),
        ({"project_name": "1st"}, "begin with a letter"),
        ({"project_name": "Häuser"}, "ASCII"),
        ({"project_name": "a" * 51}, "3 to 50"),
        ({"project_name": "x; rm -rf"}, "ASCII"),
        ({"project_name": "MLflow"}, "the project depends on"),
        ({"package_name": "class"}, "word of the Python language"),
        ({"package_name": "json"}, "standard library"),
        ({"package_name": "sklearn"}, "import name of a package"),
        ({"package_name": "House-Prices"}, "lower-case"),
        ({"user_name": 'Ada "Countess"'}, "none of"),
        ({"user_email": "nonsense"}, "no e-mail address"),
        ({"license": "GPL"}, "license"),
        ({"python_version": "2.7"}, "python_version"),
        ({"tracking": "excel"}, "tracking"),
        ({"ops": ["dokcer"]}, "ops"),
    ],
)
def test_nonsense_is_refused_with_a_reason(
    answers: dict[str, Any], reason: str, template: Path, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        render_template(template, tmp_path / "project", answers)
    assert not (tmp_path / "project").exists()


@pytest.mark.parametrize(
    "answers",
    [
        {"project_name": "My Houses 2", "user_name": "Ada O'Löwe", "user_email": "ada@example.com"},
        {"project_name": "x_y-z", "package_name": "other_name", "license": "none"},
        {"license": "Apache-2.0", "user_name": "Ada"},
        {"license": "BSD-3-Clause", "user_email": "ada@example.com", "python_version": "3.13"},
    ],
)
def test_unusual_answers_render_a_valid_project(answers: dict[str, Any], render: Render) -> None:
    project = render(**answers)
    pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    name = answers.get("project_name", "House prices")
    slug = re.sub("[ _-]+", "-", name).lower()
    package = answers.get("package_name", slug.replace("-", "_"))
    assert pyproject["project"]["name"] == slug
    assert pyproject["project"]["scripts"] == {slug: f"{package}.cli:main"}
    assert (project / "src" / package / "cli.py").exists()
    assert (project / "LICENSE").exists() == (answers.get("license") != "none")
    author = pyproject["project"].get("authors", [{}])[0]
    assert author.get("name", "") == answers.get("user_name", "")
    assert author.get("email", "") == answers.get("user_email", "")


def test_a_persons_copier_settings_fill_the_author(template: Path, tmp_path: Path) -> None:
    run_copy(
        str(template),
        tmp_path / "project",
        defaults=True,
        quiet=True,
        settings=Settings(defaults={"user_name": "Grace"}),
    )
    assert 'name = "Grace"' in (tmp_path / "project" / "pyproject.toml").read_text(encoding="utf-8")


def test_names_that_are_refused_are_those_that_exist(repository: Path, render: Render) -> None:
    names = (
        Environment(loader=FileSystemLoader(repository))
        .get_template("templates/parts/names.jinja")
        .module
    )
    assert {word for word in keyword.kwlist if word.islower()} <= set(names.keywords.split())  # type: ignore[attr-defined]
    public = {name for name in sys.stdlib_module_names if not name.startswith("_")}
    assert public <= set(names.standard_library.split())  # type: ignore[attr-defined]
    taken = set(names.taken_distribution_names.split())  # type: ignore[attr-defined]
    for stack in stacks():
        pyproject = tomllib.loads((render(**stack) / "pyproject.toml").read_text(encoding="utf-8"))
        assert {re.split(r"[\[<>=]", text)[0] for text in ranges(pyproject)} <= taken


@every_stack
def test_every_dependency_has_a_floor_and_a_cap(stack: dict[str, Any], render: Render) -> None:
    pyproject = tomllib.loads((render(**stack) / "pyproject.toml").read_text(encoding="utf-8"))
    for text in ranges(pyproject):
        known = re.fullmatch(r"[\w.-]+(?:\[\w+\])?>=([\d.]+),<([\d.]+)(?:; .+)?", text)
        assert known, text
        floor, cap = known.groups()
        major, minor = (int(part) for part in [*floor.split("."), "0"][:2])
        next_release = f"0.{minor + 1}" if major == 0 else None
        assert next_release is None or cap == next_release, text


def test_the_defaults_make_a_project(copie: Copie, template: Path) -> None:
    made = copie.copy(template_dir=template)
    assert (made.exit_code, made.exception) == (0, None)
    assert made.project_dir
    assert made.answers["project_name"] == "House prices"
    assert (made.project_dir / ".copier-answers.yml").exists()


def test_message_after_copy_names_the_next_commands(
    template: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_copy(str(template), tmp_path / "project", defaults=True)
    assert "uv run house-prices demo" in capfd.readouterr().err
