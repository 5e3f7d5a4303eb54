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
CITED = re.compile(r"(docs/[\w/-]+\.md)(?:#([\w-]+))?")
OUTWARD = re.compile(
    r"\bspec: |\bspec [\w.]+ §|\b(?:the|\() ?spec\b"
    r"|\b(?:sentinel2|tiles|masks|composites|features|dem|ground_truth|models|mosaic)(?:\.md)?,? §"
    r"|\b(?:DESIGN|PLATFORM|ENGINES|EXEMPLARS|MASKS)(?:\.md|,? §)"
)
"""Citations of texts that are not part of this repository."""
TEXTS = sorted(
    path
    for folder in ("landcover", "plugins", "dags", "tests", "recipes", "docs")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".md", ".html", ".yaml"} and path != Path(__file__).resolve()
)
NAMED = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
HOMES = re.compile(r"`((?:landcover|plugins|dags)/[\w/.]*)`")


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


def test_no_citation_leads_out_of_the_repository() -> None:
    assert OUTWARD.search("(spec: models §8)")
    assert OUTWARD.search("so they cannot drift apart (DESIGN §3.3).")
    assert OUTWARD.search("the filter (masks.md §2)")
    assert not OUTWARD.search("a domain (Cochran 1977, §5A.14)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if OUTWARD.search(line)
    ]
    assert not found


def test_cited_pages_and_sections_exist() -> None:
    broken = [
        f"{path.relative_to(ROOT)}: {page}#{anchor}"
        for path in TEXTS
        for page, anchor in CITED.findall(path.read_text())
        if not is_there(ROOT / page, anchor)
    ]
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_tests_exist(page: Path) -> None:
    """A page that says which test holds a number names one that exists."""
    missing = [
        f"{path}::{name}"
        for path, name in NAMED.findall(page.read_text())
        if not (ROOT / path).exists() or f"def {name or ''}" not in (ROOT / path).read_text()
    ]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_code_is_where_the_page_says(page: Path) -> None:
    missing = [home for home in HOMES.findall(page.read_text()) if not (ROOT / home).exists()]
    assert not missing


@pytest.mark.parametrize("folder", ["docs", "docs/decisions", "docs/methods"])
def test_every_page_is_in_the_index_of_its_folder(folder: str) -> None:
    index = (ROOT / folder / "README.md").read_text()
    missing = [page.name for page in (ROOT / folder).glob("*.md") if f"({page.name})" not in index]
    assert missing in ([], ["README.md"])


def test_decisions_are_numbered_once() -> None:
    names = [page.name for page in (ROOT / "docs/decisions").glob("0*.md")]
    numbers = [name.partition("-")[0] for name in names]
    assert sorted(numbers) == sorted(set(numbers))
    for name, number in zip(names, numbers, strict=True):
        title = (ROOT / "docs/decisions" / name).read_text().splitlines()[0]
        assert title.startswith(f"# {int(number)}. ")
