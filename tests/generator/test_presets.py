"""Presets answer the whole stack, and sizes tell what each choice of it weighs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from capstoner import catalog as catalogs
from capstoner import effects
from capstoner.catalog import Catalog
from capstoner.errors import RefusedError
from capstoner.files import CommitFiles, Files, FolderFiles
from capstoner.sizes import Weight
from generator.toy_template import FILES, Commit, Home, tree, write
from render import render as render_template
from stacks import stack_name, stacks

New = Callable[..., tuple[dict[str, Any], str]]  # arguments -> answers, what it said
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def real_files() -> Files:
    return FolderFiles(REPOSITORY)


@pytest.fixture(scope="module")
def real(real_files: Files) -> Catalog:
    return catalogs.load(real_files.read)


@pytest.fixture
def toy_files(tmp_path: Path) -> Files:
    write(tmp_path / "toy", FILES)
    return FolderFiles(tmp_path / "toy")


@pytest.fixture
def toy(toy_files: Files) -> Catalog:
    return catalogs.load(toy_files.read)


def stack_of(catalog: Catalog, capstone: str, preset: str) -> dict[str, Any]:
    """The answers of a preset to the questions of the stack that fit the capstone."""
    names = {question.name for question in catalog.stack}
    proposals = catalogs.propose(catalog, {"capstone": capstone}, catalog.preset(preset))
    return {p.question.name: p.answer for p in proposals if p.question.name in names}


# ── the presets of the real template ─────────────────────────────────────────────────────────────


def test_every_answer_of_a_preset_is_offered(real: Catalog) -> None:
    assert [preset.name for preset in real.presets] == ["minimal", "standard", "everything"]
    for capstone in real.capstones:
        for preset in real.presets:
            for name, answer in stack_of(real, capstone.value, preset.name).items():
                offered = {choice.value for choice in real.question(name).choices}
                assert set(answer if isinstance(answer, list) else [answer]) <= offered


def test_everything_holds_every_choice_and_minimal_none_that_can_be_left_out(
    real: Catalog,
) -> None:
    for capstone in real.capstones:
        everything = stack_of(real, capstone.value, "everything")
        minimal = stack_of(real, capstone.value, "minimal")
        for question in real.stack:
            if question.name in everything and question.multiple:
                assert everything[question.name] == [c.value for c in question.choices]
                assert minimal[question.name] == []


def test_standard_is_what_the_questions_propose(real: Catalog) -> None:
    for capstone in real.capstones:
        defaults = catalogs.propose(real, {"capstone": capstone.value})
        standard = catalogs.propose(real, {"capstone": capstone.value}, real.preset("standard"))
        assert standard == defaults
        assert None not in stack_of(real, capstone.value, "standard").values()


def test_minimal_has_the_fewest_files_of_all_stacks_and_everything_the_most(
    real: Catalog, real_files: Files
) -> None:
    def count(stack: dict[str, Any]) -> int:
        return len(effects.rendered_paths(real_files, catalogs.answers(real, stack)))

    for capstone in real.capstones:
        matrix = [count(stack) for stack in stacks() if stack["capstone"] == capstone.value]
        preset = {
            name: count({"capstone": capstone.value, **stack_of(real, capstone.value, name)})
            for name in ("minimal", "everything")
        }
        assert preset["minimal"] <= min(matrix)
        assert preset["everything"] >= max(matrix)


def test_the_sizes_cover_what_is_offered(real: Catalog) -> None:
    """Run scripts/measure_sizes.py where an option was added."""
    for capstone in real.capstones:
        measured = {stack.preset: dict(stack.answers) for stack in real.sizes.of(capstone.value)}
        for preset in real.presets:
            assert measured[preset.name] == stack_of(real, capstone.value, preset.name)
        fitting = measured["minimal"]
        for question in real.stack:
            for choice in question.choices if question.name in fitting else ():
                assert real.sizes.adds(capstone.value, question.name, choice.value) is not None, (
                    question.name,
                    choice.value,
                )


# ── which files an option adds ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stack", stacks()[:4], ids=stack_name)
def test_the_paths_are_those_that_copier_renders(
    real: Catalog, real_files: Files, template: Path, tmp_path: Path, stack: dict[str, Any]
) -> None:
    render_template(template, tmp_path / "project", stack)
    told = effects.rendered_paths(real_files, catalogs.answers(real, stack))
    assert told == set(tree(tmp_path / "project"))


def test_a_folder_and_a_commit_hold_the_same_files(home: Home, clone: Path) -> None:
    head = CommitFiles(clone, home.git("rev-parse", "HEAD", folder=clone))
    assert head.paths() == FolderFiles(clone).paths()
    assert head.read("copier.yml") == FolderFiles(clone).read("copier.yml").rstrip("\n")
    with pytest.raises(FileNotFoundError, match=r"none\.txt is missing"):
        head.read("none.txt")


def test_each_choice_is_counted_alone(toy: Catalog, toy_files: Files) -> None:
    assert effects.added_files(toy, toy_files, "toy") == {
        ("tracking", "mlflow"): 0,
        ("tracking", "none"): 0,
        ("ops", "docker"): 1,
        ("ops", "github-actions"): 0,
    }


# ── what a stack weighs ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answers", "weight", "measured", "unknown"),
    [
        ({"tracking": "none", "ops": []}, Weight(2, 3, 20), True, ()),
        ({"tracking": "none", "ops": ["docker"]}, Weight(2, 3, 20), True, ()),
        ({"tracking": "mlflow", "ops": [], "licence": "x"}, Weight(3, 4, 2100), True, ()),
        (
            {"tracking": "mlflow", "ops": ["github-actions"]},
            Weight(3, 4, 2100),
            False,
            ("github-actions",),
        ),
    ],
)
def test_a_stack_is_measured_or_summed(
    toy: Catalog, answers: dict[str, Any], weight: Weight, measured: bool, unknown: tuple[str]
) -> None:
    estimate = toy.sizes.estimate("toy", answers)
    assert estimate is not None
    assert (estimate.weight, estimate.measured, estimate.unknown) == (weight, measured, unknown)
    assert toy.sizes.estimate("other", answers) is None


# ── on the command line ──────────────────────────────────────────────────────────────────────────


@pytest.fixture
def new(home: Home, clone: Path, tmp_path: Path) -> New:
    def make(*arguments: str, capstone: str = "toy") -> tuple[dict[str, Any], str]:
        project = tmp_path / "project"
        words = ["--defaults", "--no-install", "--source", str(clone), *arguments]
        result = home.run("new", capstone, str(project), *words)
        assert result.code == 0, result.stderr
        text = (project / ".copier-answers.yml").read_text(encoding="utf-8")
        return dict(yaml.safe_load(text)), result.stdout

    return make


def test_a_preset_answers_the_stack_and_set_wins(new: New) -> None:
    answers, said = new("--preset", "everything", "--set", "tracking=none")
    assert answers["tracking"] == "none"
    assert answers["ops"] == ["docker", "github-actions"]
    assert "everything: all of it" in said


def test_what_does_not_fit_the_capstone_is_passed_over(
    clone: Path, commit: Commit, new: New
) -> None:
    text = FILES["templates/questions/stack.yml"].replace(
        "default: [docker]", "default: [docker]\n          when: \"{{ capstone == 'other' }}\""
    )
    commit(clone, {"templates/questions/stack.yml": text})
    answers, _ = new("--preset", "everything")
    assert (answers["tracking"], "ops" in answers) == ("mlflow", False)


def test_an_unknown_preset_is_refused_with_the_nearest_name(
    home: Home, clone: Path, tmp_path: Path, toy: Catalog
) -> None:
    arguments = ["--defaults", "--source", str(clone), "--preset", "minmal"]
    result = home.run("new", "toy", str(tmp_path / "x"), *arguments)
    assert result.code == 2
    assert "There is no preset “minmal”. Did you mean “minimal”?" in result.stderr
    with pytest.raises(RefusedError, match="no presets"):
        Catalog(toy.questions).preset("minimal")


@pytest.mark.parametrize("columns", ["80", "120"])
def test_show_tells_what_each_choice_adds(home: Home, columns: str) -> None:
    # In a process of its own: the width is settled once, by the first test that prints.
    shown = home.run_alone("show", "house-prices", COLUMNS=columns).stdout
    assert "tracking=mlflow" in shown
    assert "ops=docker" in shown
    assert "not measured yet" not in shown
    assert max(map(len, shown.splitlines())) <= int(columns)
    document = json.loads(home.run("show", "house-prices", "--json").stdout)
    docker = next(row for row in document["additions"] if row["choice"] == "docker")
    assert (docker["files"] >= 3, docker["packages"]) == (True, 0)
    assert {row["name"] for row in document["presets"]} == {"minimal", "standard", "everything"}
    assert all(row["demo_seconds"] > 0 for row in document["presets"])
    listed = json.loads(home.run("list", "--json").stdout)
    assert [preset["name"] for preset in listed["presets"]] == ["minimal", "standard", "everything"]
