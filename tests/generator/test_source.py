"""Where the template is read, and what a project remembers of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from capstoner.errors import CapstonerError, RefusedError
from capstoner.git import without_credentials
from capstoner.source import Source, open_source
from generator.toy_template import Commit, Home

ADDRESS = "https://example.com/toy.git"


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def read_from(source: Source) -> dict[str, str]:
    """What Git reads for which address, as the environment of the source says."""
    settings = source.git_settings
    return {
        value: settings[name.replace("VALUE", "KEY")]
        for name, value in settings.items()
        if name.startswith("GIT_CONFIG_VALUE")
    }


@pytest.mark.parametrize(
    ("origin", "remembered", "asked"),
    [
        (ADDRESS, ADDRESS, ADDRESS),
        (
            "https://github.com/me/toy",
            "https://github.com/me/toy",
            "https://github.com/me/toy.git",
        ),
        ("https://example.com/toy", "git+https://example.com/toy", "https://example.com/toy"),
        ("git@github.com:me/toy.git", "git@github.com:me/toy.git", "git@github.com:me/toy.git"),
        ("me@example.com:toy", "git+me@example.com:toy", "me@example.com:toy"),
        ("ssh://git@example.com:22/toy.git",) * 3,
        ("https://me:s3cret@example.com/toy.git", ADDRESS, ADDRESS),
        ("https://s3cret@example.com/toy.git", ADDRESS, ADDRESS),
        ("ssh://git:s3cret@example.com/toy.git",) + ("ssh://git@example.com/toy.git",) * 2,
    ],
)
def test_a_clone_is_remembered_by_its_origin_without_credentials(
    home: Home, clone: Path, scratch: Path, origin: str, remembered: str, asked: str
) -> None:
    home.git("remote", "add", "origin", origin, folder=clone)
    source = open_source(str(clone), None, scratch)
    assert source.remembered == remembered
    assert read_from(source) == {asked: f"url.{clone}.insteadOf"}
    assert "s3cret" not in repr(source)


def test_a_clone_gives_its_head_and_not_its_last_tag(
    home: Home, clone: Path, scratch: Path
) -> None:
    source = open_source(str(clone), None, scratch)
    assert source.commit == home.git("rev-parse", "HEAD", folder=clone)
    assert source.version.startswith("v1.0.0-1-g")
    assert open_source(str(clone), "v1.0.0", scratch).version == "v1.0.0"


def test_without_an_origin_the_path_is_remembered_and_said(clone: Path, scratch: Path) -> None:
    source = open_source(str(clone), None, scratch)
    assert source.remembered == str(clone)
    assert "no `origin`" in source.notes[0]


def test_an_unpushed_commit_is_said(
    home: Home, clone: Path, scratch: Path, tmp_path: Path, commit: Commit
) -> None:
    server = tmp_path / "server" / "toy.git"
    home.git("clone", "--quiet", "--bare", str(clone), str(server), folder=tmp_path)
    home.serve(server.parent)
    home.git("remote", "add", "origin", ADDRESS, folder=clone)
    home.git("fetch", "--quiet", "origin", folder=clone)
    assert open_source(str(clone), None, scratch).notes == ()
    commit(clone, {"new.txt": "new"})
    (note,) = open_source(str(clone), None, scratch).notes
    assert "push it" in note


def test_an_origin_on_this_machine_serves_if_it_has_the_commit(
    home: Home, clone: Path, scratch: Path, tmp_path: Path, commit: Commit
) -> None:
    second = tmp_path / "second"
    home.git("clone", "--quiet", str(clone), str(second), folder=tmp_path)
    assert open_source(str(second), None, scratch).remembered == str(clone)
    commit(second, {"new.txt": "new"})
    assert open_source(str(second), None, scratch).remembered == str(second)


def test_a_bare_repository_on_this_machine_is_remembered_by_its_address(
    home: Home, clone: Path, scratch: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "a bare one"
    home.git("clone", "--quiet", "--bare", str(clone), str(bare), folder=tmp_path)
    address = f"git+{bare.as_uri()}"
    assert open_source(str(bare), None, scratch).remembered == address
    second = tmp_path / "second"
    home.git("clone", "--quiet", str(bare), str(second), folder=tmp_path)
    assert open_source(str(second), None, scratch).remembered == address


def test_uncommitted_changes_are_left_out_and_said(clone: Path, scratch: Path) -> None:
    (clone / "templates" / "questions" / "stack.yml").write_text("tracking: changed\n")
    (clone / "unrelated.txt").write_text("not a part of the template")
    source = open_source(str(clone), None, scratch)
    assert any("1 uncommitted change of the template is left out" in note for note in source.notes)
    assert "mlflow" in source.files.read("templates/questions/stack.yml")


def test_a_plain_folder_is_read_and_said(clone: Path, scratch: Path) -> None:
    subprocess.run(["rm", "-rf", str(clone / ".git")], check=True)
    source = open_source(str(clone), None, scratch)
    assert (source.remembered, source.commit) == (str(clone), None)
    assert "cannot be updated" in source.notes[0]
    assert "capstone" in source.files.read("copier.yml")
    with pytest.raises(RefusedError, match="no version “v1"):
        open_source(str(clone), "v1.0.0", scratch)


def test_a_template_without_a_commit_is_said(home: Home, scratch: Path) -> None:
    home.git("init", "--quiet", folder=scratch)
    with pytest.raises(CapstonerError, match="no commit yet"):
        open_source(str(scratch), None, scratch)


def test_a_clone_that_git_refuses_is_no_plain_folder(
    clone: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(CapstonerError, match=r"dubious ownership[\s\S]*safe\.directory"):
        open_source(str(clone), None, scratch)


def test_an_address_gives_its_last_release(
    home: Home, clone: Path, scratch: Path, commit: Commit
) -> None:
    clone.rename(clone.with_name("toy.git"))
    clone = clone.with_name("toy.git")
    for tag in ("v1.10.0", "v1.9.0", "v2.0.0rc1", "not-a-version"):
        commit(clone, {"tag.txt": tag}, tag=tag)
    home.serve(clone.parent)
    source = open_source(ADDRESS, None, scratch)
    assert (source.version, source.remembered) == ("v1.10.0", ADDRESS)
    assert source.files.read("tag.txt") == "v1.10.0"
    assert source.notes == ()


@pytest.mark.parametrize("alias", ["gh:example/toy", "gh:/example/toy.git"])
def test_an_alias_of_copier_is_an_address(
    home: Home, clone: Path, scratch: Path, alias: str
) -> None:
    clone.rename(clone.with_name("toy.git"))
    with home.git_config.open("a", encoding="utf-8") as file:
        file.write(f'[url "{clone.parent}/"]\ninsteadOf = https://github.com/example/\n')
    source = open_source(alias, None, scratch)
    assert (source.remembered, source.version) == (alias, "v1.0.0")
    assert list(read_from(source)) == ["https://github.com/example/toy.git"]


def test_settings_of_git_in_the_environment_stay(
    home: Home, clone: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.quotePath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "false")
    home.git("remote", "add", "origin", ADDRESS, folder=clone)
    settings = open_source(str(clone), None, scratch).git_settings
    assert settings["GIT_CONFIG_COUNT"] == "2"
    assert settings["GIT_CONFIG_VALUE_1"] == ADDRESS


def test_credentials_of_an_address_are_used_and_not_remembered(
    home: Home, clone: Path, scratch: Path
) -> None:
    # Git finds the repository only under the address with the credentials.
    with home.git_config.open("a", encoding="utf-8") as file:
        file.write(f'[url "{clone}"]\ninsteadOf = https://me:s3cret@example.com/toy.git\n')
    source = open_source("https://me:s3cret@example.com/toy.git", None, scratch)
    assert source.remembered == ADDRESS
    assert "s3cret" not in repr(source)
    assert "credential helper" in source.notes[0]


def test_a_bundle_is_a_source(home: Home, clone: Path, scratch: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "toy.bundle"
    home.git("bundle", "create", "--quiet", str(bundle), "--all", folder=clone)
    source = open_source(str(bundle), None, scratch)
    assert (source.remembered, source.version) == (str(bundle), "v1.0.0")


@pytest.mark.parametrize("ref", ["v9", "--upload-pack=evil", "v1.0.0..HEAD"])
def test_an_unknown_version_is_refused(clone: Path, scratch: Path, ref: str) -> None:
    with pytest.raises(RefusedError, match="no branch, tag or commit") as refusal:
        open_source(str(clone), ref, scratch)
    assert "v1.0.0" in refusal.value.hint


def test_a_branch_of_origin_is_a_version(
    home: Home, clone: Path, scratch: Path, tmp_path: Path
) -> None:
    home.git("branch", "topic", "v1.0.0", folder=clone)
    second = tmp_path / "second"
    home.git("clone", "--quiet", str(clone), str(second), folder=tmp_path)
    assert open_source(str(second), "topic", scratch).version == "v1.0.0"


def test_a_missing_source_is_refused(home: Home, scratch: Path) -> None:
    with pytest.raises(RefusedError, match="no folder “nowhere”"):
        open_source("nowhere", None, scratch)
    with pytest.raises(CapstonerError, match="cannot be fetched") as failure:
        open_source("https://user:s3cret@localhost:1/gone.git", None, scratch)
    assert "s3cret" not in str(failure.value)


def test_an_outer_git_command_does_not_redirect_ours(
    clone: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(scratch))
    assert open_source(str(clone), None, scratch).version.startswith("v1.0.0-1-g")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a:b@c/d", "https://c/d"),
        ("fatal: 'https://token@c/d/' not found", "fatal: 'https://c/d/' not found"),
        ("https://a:p@ss@c/d", "https://c/d"),
        ("git+ssh://git:x@c/d", "git+ssh://git@c/d"),
        ("ssh://git@c:22/d@1", "ssh://git@c:22/d@1"),
        ("git@c:d.git", "git@c:d.git"),
        ("https://c/d@v1", "https://c/d@v1"),
    ],
)
def test_credentials_leave_every_text(text: str, expected: str) -> None:
    assert without_credentials(text) == expected
