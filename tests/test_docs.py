"""What the documents promise to a reader: links lead somewhere, methods exist, lines stay short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LONGEST = 300
"""Characters of a line of prose; tables, code and addresses may be longer."""

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CITED = re.compile(r"docs/methods/[\w-]+\.md(?:#[\w-]+)?")


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Give the lines of a page with their numbers, without blocks of code."""
    is_code = False
    for number, line in enumerate(page.read_text().splitlines(), start=1):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            yield number, line


@cache
def anchors(page: Path) -> frozenset[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    titles = (line.lstrip("#").strip() for _, line in prose(page) if line.startswith("#"))
    words = (re.sub(r"[^\w\- ]", "", title.lower()) for title in titles)
    return frozenset(word.replace(" ", "-") for word in words)


def is_there(page: Path, anchor: str) -> bool:
    return page.exists() and (not anchor or anchor in anchors(page))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_a_file_and_a_heading(page: Path) -> None:
    broken = []
    for number, line in prose(page):
        for link in LINK.findall(line):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            if not is_there((page.parent / path) if path else page, anchor):
                broken.append(f"line {number}: {link}")
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_of_prose_are_short(page: Path) -> None:
    long = [
        f"line {number}: {len(line)} characters"
        for number, line in prose(page)
        if len(line) > LONGEST and not line.startswith("|") and "://" not in line
    ]
    assert not long


def test_anchors_are_those_of_github() -> None:
    assert "where-next" in anchors(ROOT / "README.md")
    assert "smoothing-filter-sieve" in anchors(ROOT / "docs/accuracy.md")
    assert not is_there(ROOT / "README.md", "nowhere")
