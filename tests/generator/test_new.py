"""`capstoner new`: the same files as Copier's, whole or not at all."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from capstoner import staging
from capstoner.errors import CapstonerError
from generator.toy_template import Commit, Home, tree, write

ADDRESS = "https://example.com/toy.git"
REPOSITORY = Path(__file__).resolve().parents[2]


def copier(home: Home, *arguments: str, folder: Path | None = None) -> None:
    subprocess.run(
        [sys.executable, "-m", "copier", *arguments],
        cwd=folder or home.folder,
        env=home.environment(),
        check=True,
        capture_output=True,
    )


def answers(project: Path) -> dict[str, object]:
    text = (project / ".copier-answers.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


@pytest.fixture
def served(home: Home, clone: Path, tmp_path: Path) -> Path:
    """The clone, with everything pushed to an origin on a server."""
    server = tmp_path / "server" / "toy.git"
    home.git("init", "--quiet", "--bare", str(server), folder=tmp_path)
    home.serve(server.parent)
    home.git("remote", "add", "origin", ADDRESS, folder=clone)
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=clone)
    home.git("fetch", "--quiet", "origin", folder=clone)
    return clone


# ── the same project ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ours", "copiers"),
    [
        (["--source", "CLONE"], ["--vcs-ref", "HEAD"]),
        (["--source", "CLONE", "--vcs-ref", "v1.0.0"], ["--vcs-ref", "v1.0.0"]),
        (["--source", ADDRESS], []),
        (["--source", "CLONE", "--set", "ops=", "--set", "tracking=none"], None),
    ],
    ids=["clone", "tag", "address", "answers"],
)
def test_it_renders_what_copier_renders(
    home: Home,
    served: Path,
    tmp_path: Path,
    commit: Commit,
    ours: list[str],
    copiers: list[str] | None,
) -> None:
    commit(served, {"templates/layers/FOLDER.md.jinja": "{{ _folder_name }}\n"})
    home.git("push", "--quiet", "origin", "HEAD:main", folder=served)
    if copiers is None:
        copiers = ["--vcs-ref", "HEAD", "--data", "ops=[]", "--data", "tracking=none"]
    ours = [str(served) if word == "CLONE" else word for word in ours]
    project, reference = tmp_path / "a" / "project", tmp_path / "b" / "project"
    result = home.run("new", "toy", str(project), "--defaults", "--no-install", *ours)
    assert result.code == 0, result.stderr
    copier(home, "copy", "--defaults", "--data=capstone=toy", *copiers, ADDRESS, str(reference))

    assert tree(project) == tree(reference)  # the answers file too
    assert answers(project)["_src_path"] == ADDRESS
    modes = [path.stat().st_mode for path in sorted(project.rglob("*.md"))]
    assert modes == [path.stat().st_mode for path in sorted(reference.rglob("*.md"))]


@pytest.mark.parametrize("kind", ["detached", "shallow", "worktree", "spaces"])
def test_every_kind_of_clone_is_read(
    home: Home, served: Path, tmp_path: Path, commit: Commit, kind: str
) -> None:
    commit(served, {"templates/layers/ONLY_HERE.md": "not pushed\n"})
    other = tmp_path / "another clone"
    if kind == "shallow":
        home.git("clone", "--quiet", "--depth=1", f"file://{served}", str(other), folder=tmp_path)
        home.git("remote", "set-url", "origin", ADDRESS, folder=other)
    elif kind == "worktree":
        home.git("worktree", "add", "--quiet", "--detach", str(other), folder=served)
    elif kind == "detached":  # on no branch, as a checkout in CI
        home.git("checkout", "--quiet", "--detach", folder=served)
        home.git("branch", "--force", "main", "HEAD~1", folder=served)
        other = served
    else:
        served.rename(other)
    project = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", str(other)]
    result = home.run("new", "toy", str(project), *arguments)
    assert result.code == 0, result.stderr
    assert (project / "ONLY_HERE.md").read_text() == "not pushed\n"
    assert answers(project)["_src_path"] == ADDRESS


def test_the_real_template_renders_the_same(home: Home, tmp_path: Path) -> None:
    template = tmp_path / "template"
    template.mkdir()
    shutil.copy(REPOSITORY / "copier.yml", template)
    hidden = shutil.ignore_patterns("__pycache__", ".*_cache")
    shutil.copytree(REPOSITORY / "templates", template / "templates", ignore=hidden)
    home.git("init", "--quiet", folder=template)
    home.git("add", "--all", folder=template)
    home.git("commit", "--quiet", "--message=all", folder=template)
    project, reference = tmp_path / "a" / "project", tmp_path / "b" / "project"
    result = home.run(
        *("new", "house-prices", str(project), "--defaults", "--no-install"),
        *("--source", str(template)),
    )
    assert result.code == 0, result.stderr
    data = ["--data=capstone=house-prices", "--vcs-ref=HEAD"]
    copier(home, "copy", "--defaults", *data, str(template), str(reference))
    assert tree(project) == tree(reference)
    assert home.git("status", "--porcelain", folder=project) == ""


def test_a_project_is_updated_later_and_keeps_the_edits(
    home: Home, served: Path, tmp_path: Path, commit: Commit
) -> None:
    project = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", str(served), "--vcs-ref", "v1.0.0"]
    assert home.run("new", "toy", str(project), *arguments).code == 0
    readme = project / "README.md"
    readme.write_text(readme.read_text() + "mine\n", encoding="utf-8")
    commit(project, {})
    heading = "# The new {{ project_name }}\n\none\ntwo\nthree\n"
    commit(served, {"templates/layers/README.md.jinja": heading}, tag="v2.0.0")
    home.git("push", "--quiet", "--tags", "origin", "HEAD:main", folder=served)
    shutil.rmtree(served)  # what is remembered is the server, not this clone

    copier(home, "update", "--defaults", folder=project)
    assert readme.read_text() == "# The new Toy\n\none\ntwo\nthree\nmine\n"
    assert (project / "NEWS.md").exists()
    assert answers(project)["_commit"] == "v2.0.0"


def test_copiers_cache_of_the_origin_is_not_filled_from_the_clone(
    home: Home, served: Path, tmp_path: Path, commit: Commit
) -> None:
    commit(served, {"templates/layers/UNPUSHED.md": "not on the server"})
    project = tmp_path / "project"
    result = home.run(
        "new", "toy", str(project), "--defaults", "--no-install", "--source", str(served)
    )
    assert result.code == 0
    assert "push it" in result.stderr
    assert (project / "UNPUSHED.md").exists()
    assert not list(home.cache.rglob("*.git"))


def test_a_personal_setting_of_copier_fills_in(home: Home, clone: Path, tmp_path: Path) -> None:
    write(home.folder, {"config/copier/settings.yml": "defaults: {user_name: Grace}\n"})
    project = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    assert home.run("new", "toy", str(project), *arguments).code == 0
    assert answers(project)["user_name"] == "Grace"


# ── after the files ──────────────────────────────────────────────────────────────────────────────


def test_lock_commit_and_demo(home: Home, clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "my project"
    result = home.run_alone(
        *("new", "toy", str(project), "--defaults", "--demo", "--source", str(clone)),
        UV_PROJECT_ENVIRONMENT=str(tmp_path / "elsewhere"),
        UV_OFFLINE="1",
    )
    assert result.code == 0, result.stderr
    assert "up to 4 MB for 3 packages, 2.1 GB on disk" in result.stdout
    assert "toy was asked for demo" in result.stdout
    assert "toy-one" not in result.stdout
    assert home.git("log", "--format=%an %s", folder=project) == "Ada Start Toy"
    assert "uv.lock" in home.git("ls-files", folder=project)
    assert (project / ".venv").exists(), "the project has an environment of its own"
    assert f'cd "{project}"' in result.stdout or 'cd "../my project"' in result.stdout


def test_an_interrupted_demo_ends_with_its_children_and_keeps_the_project(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    project, running = tmp_path / "project", tmp_path / "running"
    process = home.start(
        *("new", "toy", str(project), "--defaults", "--demo", "--source", str(clone)),
        TOY_WAITS=str(running),
        UV_OFFLINE="1",
    )
    deadline = time.monotonic() + 60
    while not (running.exists() and running.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "`uv run toy demo` was interrupted; the project is kept." in stderr
    assert "uv run toy demo  # " in stdout
    with pytest.raises(ProcessLookupError):
        os.kill(int(running.read_text()), 0)


def test_a_demo_that_breaks_keeps_the_project(home: Home, clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    result = home.run_alone(
        *("new", "toy", str(project), "--defaults", "--demo", "--source", str(clone)),
        TOY_BREAKS="1",
        UV_OFFLINE="1",
    )
    assert result.code == 1
    assert "it broke" in result.stderr
    assert "The project is made, but `uv run toy demo` failed." in result.stderr
    assert "uv run toy demo  # " in result.stdout
    assert home.git("log", "--format=%s", folder=project) == "Start Toy"


def test_a_lock_that_fails_keeps_the_project_and_names_what_is_left(
    home: Home, clone: Path, tmp_path: Path, commit: Commit
) -> None:
    name = "templates/layers/{{ '.' if capstone == 'toy' else '' }}/pyproject.toml.jinja"
    text = (clone / name).read_text()
    text = text.replace("[project.scripts]", 'dependencies = ["no-such==1"]\n[project.scripts]')
    commit(clone, {name: text})
    project = tmp_path / "project"
    result = home.run(
        *("new", "toy", str(project), "--defaults", "--demo", "--source", str(clone)),
        UV_OFFLINE="1",
    )
    assert result.code == 1
    assert "`uv lock` failed" in result.stderr
    assert "no-such" in result.stderr
    assert home.git("log", "--format=%s", folder=project) == "Start Toy"
    assert "  uv lock\n" in result.stdout
    assert "  git add --all\n" in result.stdout
    assert "asked for demo" not in result.stdout


def test_without_an_identity_the_first_commit_borrows_one(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    home.git_config.write_text("[user]\nuseConfigOnly = true\n", encoding="utf-8")
    arguments = ["--defaults", "--no-install", "--source", str(clone), "--set", "user_name=Grace"]
    project = tmp_path / "project"
    result = home.run("new", "toy", str(project), *arguments)
    assert result.code == 0, result.stderr
    assert "for this commit alone" in result.stdout
    author = home.git("log", "--format=%an <%ae>", folder=project)
    assert author == "Grace <capstoner@example.invalid>"
    assert "user" not in (project / ".git" / "config").read_text()


def test_hooks_and_signatures_of_the_person_stay_out(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    hook = home.folder / "hooks" / "pre-commit"
    write(home.folder, {"hooks/pre-commit": "#!/bin/sh\nexit 1\n"})
    hook.chmod(0o755)
    with home.git_config.open("a", encoding="utf-8") as file:
        file.write(f"[core]\nhooksPath = {hook.parent}\n[commit]\ngpgSign = true\n")
    project = tmp_path / "project"
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    result = home.run("new", "toy", str(project), *arguments, GNUPGHOME="/nowhere")
    assert result.code == 0, result.stderr


def test_inside_another_repository_nothing_is_committed(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    outer = tmp_path / "outer"
    outer.mkdir()
    home.git("init", "--quiet", folder=outer)
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    result = home.run("new", "toy", "deep/project", *arguments, folder=outer)
    assert result.code == 0, result.stderr
    assert "is a Git repository already" in result.stderr
    assert not (outer / "deep" / "project" / ".git").exists()


# ── whole or not at all ──────────────────────────────────────────────────────────────────────────


def left_behind(home: Home, place: Path) -> list[str]:
    """What a failed run has left beside the destination, in the temporary folder or the cache."""
    found = [path for folder in (place, home.temporary, home.cache) for path in folder.rglob("*")]
    return sorted(map(str, found))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--set", "project_name=bad"], 2, "project_name: That name is taken."),
        (["--set", "project_nam=x"], 2, "Did you mean “project_name”?"),
        (["--set", "tracking"], 2, "has no equals sign"),
        (["--set", "ops=", "--set", "registry=x"], 2, "“registry” is not asked"),
        (["--vcs-ref", "v9"], 2, "no branch, tag or commit “v9”"),
        (["--demo"], 2, "--demo needs the packages"),
    ],
)
def test_a_refusal_leaves_nothing(
    home: Home, clone: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    result = home.run(
        *("new", "toy", str(place / "deep" / "project"), "--defaults", "--no-install"),
        *("--source", str(clone), *arguments),
    )
    assert (result.code, said in result.stderr) == (code, True), result.stderr
    assert "Traceback" not in result.stderr
    assert left_behind(home, place) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"templates/questions/stack.yml": "_tasks: [touch ran]\n"}, "never does"),
        ({"templates/layers/bad.md.jinja": "{{ misspelt }}"}, "'misspelt' is undefined"),
        ({"templates/layers/bad.md.jinja": "{% if %}"}, "cannot be rendered"),
    ],
)
def test_a_bad_template_leaves_nothing(
    home: Home, clone: Path, tmp_path: Path, commit: Commit, files: dict[str, str], said: str
) -> None:
    commit(clone, files)
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    result = home.run("new", "toy", str(place / "project"), *arguments)
    assert (result.code > 0, said in result.stderr) == (True, True), result.stderr
    assert "unforeseen" not in result.stderr
    assert left_behind(home, place) == []


def test_bad_settings_of_copier_are_named(home: Home, clone: Path, tmp_path: Path) -> None:
    write(home.folder, {"config/copier/settings.yml": "defaults: ["})
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    result = home.run("new", "toy", str(tmp_path / "project"), *arguments)
    assert (result.code, "Your settings of Copier cannot be read" in result.stderr) == (1, True)


def test_only_debug_shows_a_traceback(home: Home) -> None:
    assert "Traceback" not in home.run_alone("show", "nothing").stderr
    assert "Traceback" in home.run_alone("--debug", "show", "nothing").stderr


def test_an_unknown_capstone_is_refused(home: Home, clone: Path, tmp_path: Path) -> None:
    result = home.run("new", "tyo", str(tmp_path / "x"), "--source", str(clone))
    assert result.code == 2
    assert "There is no capstone “tyo”. Did you mean “toy”?" in result.stderr


def test_questions_need_a_terminal(home: Home, clone: Path, tmp_path: Path) -> None:
    result = home.run("new", "toy", str(tmp_path / "x"), "--no-install", "--source", str(clone))
    assert result.code == 2
    assert "Add --defaults" in result.stderr


def test_a_folder_that_is_not_empty_needs_consent(home: Home, clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project, {"README.md": "mine", "src/notes.txt": "mine too"})
    before = tree(project)
    arguments = ["new", "toy", str(project), "--defaults", "--no-install", "--source", str(clone)]
    refused = home.run(*arguments)
    assert refused.code == 2
    assert "it holds README.md, src" in refused.stderr
    assert tree(project) == before

    assert home.run(*arguments, "--force").code == 0
    assert (project / "README.md").read_text().startswith("# Toy")
    assert (project / "src" / "notes.txt").read_text() == "mine too"
    assert (project / "src" / "toy" / "__init__.py").exists()
    assert home.git("status", "--porcelain", folder=project) == ""
    assert "`capstoner update` inside it" in home.run(*arguments).stderr


def test_an_empty_folder_and_a_new_one_below_missing_ones_need_none(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    assert home.run("new", "toy", ".", *arguments, folder=empty).code == 0
    assert (empty / "README.md").exists()
    deep = tmp_path / "not" / "yet" / "there"
    assert home.run("new", "toy", str(deep), *arguments).code == 0
    assert (deep / "README.md").exists()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("a file"), "is a file"),
        (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
    ],
)
def test_a_destination_that_is_no_folder(
    home: Home, clone: Path, tmp_path: Path, make: object, said: str
) -> None:
    path = tmp_path / "taken"
    assert callable(make)
    make(path)
    result = home.run("new", "toy", str(path), "--defaults", "--source", str(clone))
    assert (result.code, said in result.stderr) == (2, True), result.stderr


def test_inside_the_template_is_refused(home: Home, clone: Path) -> None:
    inside = clone / "project"
    result = home.run("new", "toy", str(inside), "--defaults", "--source", str(clone))
    assert result.code == 2
    assert "inside the template itself" in result.stderr
    assert home.git("status", "--porcelain", folder=clone) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc, where nobody may write")
def test_a_place_without_the_right_to_write(home: Home, clone: Path) -> None:
    result = home.run("new", "toy", "/proc/project", "--defaults", "--source", str(clone))
    assert result.code == 1
    assert "Nothing can be written in /proc" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_file_that_cannot_be_written_leaves_nothing(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands in for a full disk: the rendered one is 3 MB."""
    resource = pytest.importorskip("resource")
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["--defaults", "--no-install", "--source", str(clone), "--set", "project_name=Big"]
    result = subprocess.run(
        [sys.executable, "-m", "capstoner", "new", "toy", str(place / "project"), *arguments],
        env=home.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )
    assert result.returncode == 1
    assert "could not be written: File too large" in result.stderr
    assert "Traceback" not in result.stderr
    assert left_behind(home, place) == []


def test_a_move_that_fails_is_taken_back(tmp_path: Path) -> None:
    staged, destination = tmp_path / "scratch" / "project", tmp_path / "destination"
    write(staged, {"a.txt": "new", "b/c.txt": "new", "z": "new"})
    write(destination, {"a.txt": "old", "z/folder.txt": "in the way"})
    before = tree(destination)
    with pytest.raises(CapstonerError, match="z is a folder there"):
        staging.place(staged, destination)
    assert tree(destination) == before
    assert not (destination / "b").exists()
    assert set(tree(staged)) == {"a.txt", "b/c.txt", "z"}


@pytest.mark.parametrize("missing", ["git", "uv"])
def test_a_missing_tool_is_named_before_anything_is_done(
    home: Home, clone: Path, tmp_path: Path, missing: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in {"git", "uv"} - {missing}:
        (tools / tool).symlink_to(str(shutil.which(tool)))
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["new", "toy", str(place / "project"), "--defaults", "--source", str(clone)]
    result = home.run(*arguments, PATH=str(tools), UV="")
    assert result.code == 1
    assert f"{missing} is not installed" in result.stderr.replace("Git", "git")
    assert "Get it" in result.stderr
    assert left_behind(home, place) == []


# ── interrupted ──────────────────────────────────────────────────────────────────────────────────


def test_a_signal_at_any_moment_leaves_all_or_nothing(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    arguments = ["--defaults", "--no-install", "--source", str(clone)]
    began = time.monotonic()
    assert home.run_alone("new", "toy", str(tmp_path / "whole"), *arguments).code == 0
    duration = time.monotonic() - began
    whole = set(tree(tmp_path / "whole"))

    seed = random.randrange(1_000_000)
    moments = random.Random(seed)
    interrupted = 0
    for number, code in [(signal.SIGINT, 130)] * 4 + [(signal.SIGTERM, 143)] * 2:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        process = home.start("new", "toy", str(place / "deep" / "project"), *arguments)
        # Earlier than this, Python itself is still starting and knows no signal of ours.
        moment = duration * moments.uniform(0.35, 0.9)
        time.sleep(moment)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)
        told = f"seed {seed}, {number.name} after {moment:.2f} s: {process.returncode}\n{stderr}"
        interrupted += process.returncode == code
        # -number: it came while Python was starting or on its way out. 0: it came too late, or
        # into a finaliser, where Python passes over it and says so.
        assert process.returncode in {0, code, -number}, told
        if process.returncode == code:
            assert "Traceback" not in stderr, told
        if (place / "deep").exists():
            assert set(tree(place / "deep" / "project")) == whole, told
            assert [path.name for path in place.iterdir()] == ["deep"], told
        else:
            assert process.returncode, told
            assert left_behind(home, place) == [], told
    assert interrupted, f"seed {seed}: no signal came in time"


def type_at(home: Home, arguments: list[str], keys: list[tuple[str, str]]) -> tuple[int, str]:
    """Run in a terminal; whenever a text appears, type the keys that belong to it."""
    pty = pytest.importorskip("pty")
    child, terminal = pty.fork()
    if child == 0:
        os.execve(
            sys.executable,
            [sys.executable, "-m", "capstoner", *arguments],
            home.environment(TERM="xterm", LINES="40"),
        )
    said, heard = "", 0
    waiting, typed = list(keys), ""
    now = typed_at = time.monotonic()
    deadline = now + 180
    while now < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.5)
        now = time.monotonic()
        if ready:
            try:
                said += os.read(terminal, 65536).decode(errors="replace")
            except OSError:  # the terminal closes with its last program
                break
        elif waiting and waiting[0][0] in said[heard:]:
            heard, typed, typed_at = len(said), waiting.pop(0)[1], now
            os.write(terminal, typed.encode())
        elif typed and now - typed_at > 20:
            # A prompt that is being set up drops what was typed before it listens.
            typed_at = now
            os.write(terminal, typed.encode())
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert not waiting, f"never asked: {waiting[0][0]}\n{said}"
    return os.waitstatus_to_exitcode(status), said


def test_copier_asks_and_an_interrupt_leaves_nothing(
    home: Home, clone: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["new", "toy", str(place / "project"), "--no-install", "--source", str(clone)]
    keys = [("Its name?", "\r"), ("user_name", "\x03")]
    code, said = type_at(home, arguments, keys)
    assert code == 130, said
    assert "Traceback" not in said
    assert left_behind(home, place) == []


def test_answers_at_the_terminal(home: Home, clone: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    write(project, {"notes.txt": "mine"})
    arguments = ["new", "toy", str(project), "--no-install", "--source", str(clone)]
    code, said = type_at(home, arguments, [("replace files of the same name?", "n\r")])
    assert (code, "Nothing was written" in said) == (2, True), said
    code, said = type_at(home, arguments, [("replace files of the same name?", "\x03")])
    assert (code, "nothing was written" in said) == (130, True), said

    keys = [
        ("replace files of the same name?", "y\r"),
        ("Its name?", " two\r"),
        ("user_name", "\r"),
        ("Where are runs kept", "\r"),
        ("What runs it?", "\r"),
        ("Which registry?", "\r"),
    ]
    code, said = type_at(home, [*arguments, "--set", "user_name=Grace"], [*keys[:2], *keys[3:]])
    assert code == 0, said
    assert answers(project)["project_name"] == "Toy two"
    assert answers(project)["user_name"] == "Grace"
    assert (project / "notes.txt").exists()
