"""The catalogue is read from the template's own files, without Copier."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from capstoner import catalog as catalogs
from capstoner.catalog import Catalog, Choice
from capstoner.errors import CapstonerError, RefusedError
from capstoner.files import FolderFiles
from generator.toy_template import FILES, Home, write


@pytest.fixture
def toy(tmp_path: Path) -> Catalog:
    write(tmp_path, FILES)
    return catalogs.load(FolderFiles(tmp_path).read)


def test_questions_keep_the_order_of_the_includes(toy: Catalog) -> None:
    assert [question.name for question in toy.asked] == [
        "project_name",
        "user_name",
        "tracking",
        "ops",
        "registry",
    ]
    assert [option.name for option in toy.options] == ["tracking", "ops"]
    assert toy.capstones[0] == Choice("toy", "Toy: prints what it was asked for")
    assert (toy.capstones[0].title, toy.capstones[0].summary) == (
        "Toy",
        "prints what it was asked for",
    )


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("[a, b]", [Choice("a", "a"), Choice("b", "b")]),
        ("[[One, a], [Two, b]]", [Choice("a", "One"), Choice("b", "Two")]),
        ("{One: a, Two: b}", [Choice("a", "One"), Choice("b", "Two")]),
        ("{One: {value: a, validator: x}}", [Choice("a", "One")]),
        ("[3.11, 3.12]", [Choice("3.11", "3.11"), Choice("3.12", "3.12")]),
        ('"{{ computed }}"', []),
    ],
)
def test_every_form_of_choices_that_copier_knows(choices: str, expected: list[Choice]) -> None:
    files = {"copier.yml": f"capstone: {{choices: [x]}}\noption:\n  choices: {choices}\n"}

    def read(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    assert list(catalogs.load(read).question("option").choices) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker,github-actions", ["docker", "github-actions"]),
        ("[github-actions, docker]", ["github-actions", "docker"]),
        ("docker", ["docker"]),
        ("", []),
    ],
)
def test_several_answers_to_one_question(toy: Catalog, text: str, expected: list[str]) -> None:
    assert toy.answer("ops", text) == expected


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("trakcing", "mlflow", "Did you mean “tracking”?"),
        ("tracking", "MLFLow", "Did you mean “mlflow”?"),
        ("ops", "docker,github", "Did you mean “github-actions”?"),
        ("ops", "xyz", "There is no answer to ops: “xyz”."),
        ("project_slug", "x", "computed"),
        ("capstone", "other", "first argument"),
    ],
)
def test_an_unknown_answer_is_refused(toy: Catalog, name: str, text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said.replace("?", r"\?")) as refusal:
        toy.answer(name, text)
    assert refusal.value.exit_code == 2
    assert refusal.value.hint


def test_an_unknown_capstone_is_refused_with_the_nearest_name(toy: Catalog) -> None:
    with pytest.raises(RefusedError, match="Did you mean “other”") as refusal:
        toy.capstone("othr")
    assert refusal.value.hint == "Choose from: toy, other."


def test_proposals_are_what_copier_would_take(toy: Catalog) -> None:
    proposals = {p.question.name: p for p in catalogs.propose(toy, {"capstone": "toy"})}
    assert {name: p.answer for name, p in proposals.items()} == {
        "project_name": "Toy",
        "user_name": "",
        "tracking": "mlflow",
        "ops": ["docker"],
        "registry": "local",
    }
    assert proposals["tracking"].help == "Where are runs kept by toy?"
    without = catalogs.propose(toy, {"capstone": "toy", "ops": []})
    assert "registry" not in [p.question.name for p in without]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "copier.yml is missing"),
        ({"copier.yml": "question: 1\n"}, "asks for no capstone"),
        ({"copier.yml": "a: [\n"}, "no valid YAML"),
        ({"copier.yml": "--- !include questions.yml\n"}, "questions.yml is missing"),
        ({**FILES, "templates/sizes.toml": "measured_on = 1\n"}, "sizes.toml"),
        ({**FILES, "templates/presets.toml": "personal = 1\n"}, "presets.toml"),
        (
            {**FILES, "templates/presets.toml": FILES["templates/presets.toml"] + 'one = "best"'},
            "presets.toml",
        ),
    ],
)
def test_another_folder_is_no_template(tmp_path: Path, files: dict[str, str], said: str) -> None:
    write(tmp_path, files)
    with pytest.raises(CapstonerError, match=said):
        catalogs.load(FolderFiles(tmp_path).read)


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["new", "--help"]])
def test_words_need_no_copier(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from capstoner.cli import main\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "heavy = {'copier', 'jinja2', 'plumbum', 'questionary'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)


def test_list_and_show_of_the_real_template(home: Home) -> None:
    shown = home.run("list")
    assert shown.code == 0
    assert "house-prices" in shown.stdout
    assert "mlflow | none" in shown.stdout

    listed = json.loads(home.run("list", "--json").stdout)
    assert listed["capstones"][0]["name"] == "house-prices"
    assert {option["name"] for option in listed["options"]} >= {"tracking", "ops"}
    for capstone in listed["capstones"]:
        document = json.loads(home.run("show", capstone["name"], "--json").stdout)
        assert document["summary"] == capstone["summary"]
        defaults = {question["name"]: question["default"] for question in document["questions"]}
        assert None not in defaults.values(), "a default that the catalogue cannot compute"
        assert not any("{{" in question["help"] for question in document["questions"])

    refused = home.run("show", "house-price")
    assert refused.code == 2
    assert "Did you mean “house-prices”?" in refused.stderr


def test_words_for_people(home: Home) -> None:
    assert home.run("--version").stdout.startswith("capstoner ")
    mistyped = home.run("nwe")
    assert mistyped.code == 2
    assert "new" in mistyped.stderr
    assert "Traceback" not in mistyped.stderr


def test_an_old_python_is_told_what_to_do() -> None:
    program = "import sys; sys.version_info = (3, 10, 0); import capstoner"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.returncode == 1
    assert "needs Python 3.11" in result.stderr
    assert "Traceback" not in result.stderr
