"""The site knows every option, and links of the repository lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from capstoner.catalog import load
from capstoner.files import FolderFiles
from render import REPOSITORY

PAGES = sorted(REPOSITORY.glob("*.md")) + sorted((REPOSITORY / "docs").glob("*.md"))


def without_code(text: str) -> str:
    return re.sub(r"^ *```.*?^ *```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(page: Path, text: str) -> list[str]:
    found = []
    for link in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
        parts = urlsplit(link)
        if parts.scheme:
            if parts.scheme != "https" or "." not in parts.netloc:
                found.append(link)
            continue
        target = page.parent / parts.path if parts.path else page
        if not target.exists() or (
            parts.fragment and parts.fragment not in anchors(target.read_text(encoding="utf-8"))
        ):
            found.append(link)
    return found


def sections(text: str) -> dict[str, set[str]]:
    """Map each heading of the second level to those of the third below it, by their first word."""
    result: dict[str, set[str]] = {}
    current = ""
    for marks, title in re.findall(r"^(##|###) ([^\s:]+)", text, re.MULTILINE):
        if marks == "##":
            current = title
            result[current] = set()
        else:
            result[current].add(title)
    return result


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "link", ["no-such-file.md", "#no-such-heading", "start.md#no-such-heading", "http://old.org"]
)
def test_a_broken_link_is_found(link: str) -> None:
    page = REPOSITORY / "docs" / "index.md"
    assert broken(page, f"# Title\n\n[text]({link})\n") == [link]


def test_each_question_and_choice_has_its_section(template: Path) -> None:
    offered = load(FolderFiles(template).read)
    told = sections((REPOSITORY / "docs" / "options.md").read_text(encoding="utf-8"))
    asked = {
        question.name: {choice.value for choice in question.choices} for question in offered.options
    }
    assert told == asked


def test_each_capstone_has_its_page(template: Path) -> None:
    for capstone in load(FolderFiles(template).read).capstones:
        assert (REPOSITORY / "docs" / f"{capstone.value}.md").exists()


@pytest.mark.parametrize("capstone", ["house-prices", "sign-language"])
def test_the_picture_of_the_app_is_the_one_that_projects_get(capstone: str) -> None:
    name = f"use_{capstone.replace('-', '_')}_gradio"
    layer = REPOSITORY / "templates" / "layers" / f"{{{{{name}}}}}"
    picture = (REPOSITORY / "docs" / f"{capstone}-ui.png").read_bytes()
    assert (layer / "docs" / "app.png").read_bytes() == picture
