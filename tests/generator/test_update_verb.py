"""`capstoner update`: the template's news merged into a project, or the project as it was."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
import yaml
from capstoner import source
from generator.toy_template import FILES, Commit, Home, tree, write

ADDRESS = "https://example.com/toy.git"
README = "templates/layers/README.md.jinja"
NEWS = {README: "# The new {{ project_name }}\n\none\ntwo\nthree\n"}


@pytest.fixture
def served(home: Home, clone: Path, tmp_path: Path) -> Path:
    """A bare repository on a server, with all of the clone's."""
    server = tmp_path / "server" / "toy.git"
    home.git("clone", "--quiet", "--bare", str(clone), str(server), folder=tmp_path)
    home.serve(server.parent)
    home.git("remote", "add", "origin", ADDRESS, folder=clone)
    return server


@pytest.fixture
def project(home: Home, served: Path, tmp_path: Path) -> Path:
    """A project of v1.0.0 with an edit of a person, committed."""
    folder = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", ADDRESS]
    assert home.run("new", "toy", str(folder), *arguments).code == 0
    readme = folder / "README.md"
    readme.write_text(readme.read_text() + "mine\n", encoding="utf-8")
    home.git("commit", "--quiet", "--all", "--message=mine", folder=folder)
    return folder


@pytest.fixture
def released(home: Home, clone: Path, project: Path, commit: Commit) -> Path:
    """The project, after the template's next release was pushed."""
    commit(clone, NEWS, tag="v2.0.0")
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=clone)
    return project


def version(project: Path) -> str:
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    return str(answers["_commit"])


def test_it_merges_the_news_and_keeps_the_edits(home: Home, released: Path, tmp_path: Path) -> None:
    result = home.run("update", folder=released)
    assert result.code == 0, result.stderr
    assert (released / "README.md").read_text() == "# The new Toy\n\none\ntwo\nthree\nmine\n"
    assert "Updated from v1.0.0 to v2.0.0; nothing is committed." in result.stdout
    assert "NEWS.md" in result.stdout
    assert "uv run poe test" in result.stdout
    assert home.git("log", "-1", "--format=%s", folder=released) == "mine"

    fresh = tmp_path / "fresh"
    arguments = ["--defaults", "--no-install", "--source", ADDRESS]
    assert home.run("new", "toy", str(fresh), *arguments).code == 0
    (fresh / "README.md").write_text((fresh / "README.md").read_text() + "mine\n")
    assert tree(released) == tree(fresh)
    assert not list(tmp_path.glob(".capstoner-*"))
    assert not list(home.cache.rglob("*.git"))


def test_a_bare_repository_on_this_machine_updates_what_was_made_from_its_clone(
    home: Home, clone: Path, tmp_path: Path, commit: Commit
) -> None:
    bare, folder = tmp_path / "bare.git", tmp_path / "project"
    home.git("clone", "--quiet", "--bare", str(clone), str(bare), folder=tmp_path)
    home.git("remote", "add", "origin", str(bare), folder=clone)
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    assert home.run("new", "toy", str(folder), *arguments).code == 0
    commit(clone, NEWS, tag="v2.0.0")
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=clone)
    result = home.run("update", str(folder))
    assert result.code == 0, result.stderr
    assert (folder / "README.md").read_text().startswith("# The new Toy")

    shutil.rmtree(bare)
    bare.mkdir()
    home.git("add", "--all", folder=folder)
    home.git("commit", "--quiet", "--message=updated", folder=folder)
    refused = home.run("update", str(folder))
    assert refused.code == 1
    assert "cannot be fetched" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_template_that_lost_its_history_is_a_sentence(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    assert home.run("new", "toy", str(folder), *arguments).code == 0
    shutil.rmtree(clone / ".git")
    refused = home.run("update", str(folder))
    assert (refused.code, "is a plain folder now" in refused.stderr) == (1, True)


def test_it_never_goes_back(home: Home, released: Path, clone: Path, commit: Commit) -> None:
    assert home.run("update", str(released), "--to", "v2.0.0").code == 0
    home.git("add", "--all", folder=released)
    home.git("commit", "--quiet", "--message=updated", folder=released)
    before = tree(released)
    again = home.run("update", str(released))
    assert (again.code, "up to date: v2.0.0" in again.stdout) == (0, True)
    older = home.run("update", str(released), "--to", "v1.0.0")
    assert (older.code, "never goes back" in older.stderr) == (2, True)
    unknown = home.run("update", str(released), "--to", "v9")
    assert (unknown.code, "no branch, tag or commit “v9”" in unknown.stderr) == (2, True)

    commit(clone, {"templates/layers/LATER.md": "unreleased\n"})
    home.git("push", "--quiet", "origin", "HEAD:main", folder=clone)
    assert home.run("update", str(released), "--to", "main").code == 0
    home.git("add", "--all", folder=released)
    home.git("commit", "--quiet", "--message=main", folder=released)
    newer = home.run("update", str(released))
    assert (newer.code, "The project is newer than v2.0.0" in newer.stdout) == (0, True)
    assert set(tree(released)) - set(before) == {"LATER.md"}


def test_a_conflict_is_marked_listed_and_holds_up_a_commit(home: Home, released: Path) -> None:
    (released / "README.md").write_text("# My own Toy\n\none\ntwo\nthree\n", encoding="utf-8")
    home.git("commit", "--quiet", "--all", "--message=heading", folder=released)
    result = home.run("update", str(released))
    assert result.code == 1
    assert "conflict" in result.stdout
    assert "1 of the files you and the template changed" in result.stderr
    text = (released / "README.md").read_text()
    assert "# My own Toy" in text
    assert "# The new Toy" in text
    assert "<<<<<<<" in text
    assert "UU README.md" in home.git("status", "--porcelain", folder=released)


def test_a_new_question_is_answered_and_said(
    home: Home, released: Path, clone: Path, commit: Commit
) -> None:
    stack = (
        FILES["templates/questions/stack.yml"].rstrip()
        + "\n        ui: {choices: [gradio], default: gradio}\n"
    )
    commit(clone, {"templates/questions/stack.yml": stack}, tag="v2.1.0")
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=clone)
    result = home.run("update", str(released))
    assert result.code == 0, result.stderr
    assert "New questions were answered with their defaults: ui=gradio." in result.stderr


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "README.md").write_text("x"), "not committed: README.md"),
        (lambda folder: (folder / "new.txt").write_text("x"), "not committed: new.txt"),
        (lambda folder: (folder / ".copier-answers.yml").unlink(), "no project of Capstoner"),
        (lambda folder: shutil.rmtree(folder / ".git"), "no Git repository"),
        (lambda folder: write(folder, {".copier-answers.yml": "a: b"}), "made from a plain folder"),
    ],
)
def test_what_could_not_be_taken_back_is_refused(
    home: Home, released: Path, damage: object, said: str
) -> None:
    assert callable(damage)
    damage(released)
    before = tree(released)
    result = home.run("update", str(released))
    assert (result.code, said in result.stderr) == (2, True), result.stderr
    assert tree(released) == before


def test_a_file_that_git_ignores_is_not_replaced(home: Home, released: Path) -> None:
    write(released, {".gitignore": "NEWS.md\n", "NEWS.md": "a note that is in no commit\n"})
    home.git("add", "--all", folder=released)
    home.git("commit", "--quiet", "--message=ignore", folder=released)
    before = tree(released)
    result = home.run("update", str(released))
    assert (result.code, "that Git ignores: NEWS.md" in result.stderr) == (2, True), result.stderr
    assert tree(released) == before


def test_a_template_that_breaks_leaves_the_project_and_its_neighbours(
    home: Home, released: Path, clone: Path, commit: Commit, tmp_path: Path
) -> None:
    """The project is a folder of a larger repository, where other work is not committed."""
    outer = tmp_path / "outer"
    shutil.copytree(released, outer / "deep" / "project", ignore=shutil.ignore_patterns(".git"))
    write(outer, {"beside.txt": "committed\n"})
    home.git("init", "--quiet", folder=outer)
    home.git("add", "--all", folder=outer)
    home.git("commit", "--quiet", "--message=all", folder=outer)
    write(outer, {"beside.txt": "not committed\n", "new.txt": "not added\n"})
    commit(clone, {"templates/layers/z.md.jinja": "{{ misspelt }}"}, tag="v3.0.0")
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=clone)
    before = tree(outer)
    result = home.run("update", str(outer / "deep" / "project"))
    assert (result.code, "misspelt" in result.stderr) == (2, True), result.stderr
    assert tree(outer) == before

    good = home.run("update", str(outer / "deep" / "project"), "--to", "v2.0.0")
    assert good.code == 0, good.stderr
    assert "\nREADME.md" in good.stdout
    assert (outer / "beside.txt").read_text() == "not committed\n"
    assert "# The new Toy" in (outer / "deep" / "project" / "README.md").read_text()


def test_a_signal_at_any_moment_leaves_the_old_or_the_new(
    home: Home, released: Path, tmp_path: Path
) -> None:
    before = tree(released)
    measured = tmp_path / "measured"
    shutil.copytree(released, measured, symlinks=True)
    began = time.monotonic()
    assert home.run_alone("update", str(measured)).code == 0
    duration = time.monotonic() - began
    after = tree(measured)

    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    interrupted = 0
    for number, code in [(signal.SIGINT, 130)] * 3 + [(signal.SIGTERM, 143)] * 2:
        process = home.start("update", str(released))
        # Earlier than this, Python itself is still starting and knows no signal of ours.
        moment = duration * moments.uniform(0.35, 0.9)
        time.sleep(moment)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
        told = f"seed {seed}, {number.name} after {moment:.2f} s: {process.returncode}\n{stderr}"
        assert process.returncode in {0, code, -number}, told
        assert not list(tmp_path.glob(".capstoner-*")), told
        if process.returncode == 0:
            assert tree(released) == after, told
        else:
            interrupted += process.returncode == code
            assert tree(released) == before or tree(released) == after, told
            assert "Traceback" not in stderr or process.returncode != code, told
        if tree(released) == before:
            assert home.git("status", "--porcelain", folder=released) == "", told
        home.git("reset", "--quiet", "--hard", folder=released)
        home.git("clean", "--quiet", "-d", "--force", folder=released)
    assert interrupted, f"seed {seed}: no signal came in time"


# ── without a clone ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def wheel(home: Home, clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an installed package, whose bundle is made of the clone's HEAD."""
    package = tmp_path / "site-packages" / "capstoner"
    package.mkdir(parents=True)
    monkeypatch.setattr(source, "PACKAGE", package)
    pack(home, clone, package)
    return package


def pack(home: Home, clone: Path, package: Path) -> None:
    """Do what hatch_build.py does."""
    bundle, archive = str(package / "template.bundle"), f"--output={package / 'template.zip'}"
    home.git("bundle", "create", "--quiet", bundle, "HEAD", "--tags", folder=clone)
    home.git(*("archive", "--format=zip", archive, "HEAD", "copier.yml", "templates"), folder=clone)


def test_a_wheel_makes_a_project_and_the_next_wheel_updates_it(
    home: Home, clone: Path, wheel: Path, tmp_path: Path, commit: Commit
) -> None:
    listed = home.run("list", PATH="")  # without Git
    assert (listed.code, "toy" in listed.stdout) == (0, True), listed.stderr
    assert "ops=docker" in home.run("show", "toy").stdout

    project = tmp_path / "project"
    made = home.run("new", "toy", str(project), "--defaults", "--no-install")
    assert made.code == 0, made.stderr
    assert "not published yet" in made.stderr
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == source.canonical_address()
    assert answers["_commit"].startswith("v1.0.0-1-g"), "the wheel's own commit, not its last tag"
    again = home.run("update", str(project))
    assert (again.code, "up to date" in again.stdout) == (0, True), again.stderr

    readme = project / "README.md"
    readme.write_text(readme.read_text() + "mine\n", encoding="utf-8")
    home.git("commit", "--quiet", "--all", "--message=mine", folder=project)
    commit(clone, NEWS, tag="v2.0.0")
    pack(home, clone, wheel)
    updated = home.run("update", str(project))
    assert updated.code == 0, updated.stderr
    assert "the template that came with this Capstoner is read" in updated.stderr
    assert readme.read_text() == "# The new Toy\n\none\ntwo\nthree\nmine\n"
    assert version(project) == "v2.0.0"
    assert not list(home.cache.rglob("*.git"))


def test_the_bundle_stands_in_for_an_address_that_does_not_answer(
    home: Home, wheel: Path, project: Path, served: Path
) -> None:
    shutil.rmtree(served)
    result = home.run("update", str(project))
    assert result.code == 0, result.stderr
    assert f"{ADDRESS} does not answer" in result.stderr
    answers = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert answers["_src_path"] == ADDRESS
    assert (project / "NEWS.md").exists()


def test_the_bundle_of_another_template_does_not_stand_in(
    home: Home, wheel: Path, project: Path, served: Path, clone: Path, commit: Commit
) -> None:
    shutil.rmtree(served)
    shutil.rmtree(clone / ".git")
    home.git("init", "--quiet", folder=clone)
    commit(clone, {})
    pack(home, clone, wheel)
    before = tree(project)
    result = home.run("update", str(project))
    assert (result.code, "cannot be fetched" in result.stderr) == (1, True), result.stderr
    assert tree(project) == before
