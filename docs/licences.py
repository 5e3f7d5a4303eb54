"""Write the table of ``docs/licences.md`` from the lock and from what the packages say themselves.

``make licences`` does so; ``tests/test_licences.py`` tells when the table is out of date.
"""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "licences.md"
BEGIN, END = "<!-- from the lock: make licences -->", "<!-- end of the lock -->"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==")
_LONGEST = 40
"""Letters of a field that names a licence; a longer one is its whole text."""
_SAYS_NOTHING = {"", "UNKNOWN", "Dual License"}


def locked(*, everywhere: bool = False) -> list[str]:
    """List the packages of the lock, each once; on request those of every system only."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not (everywhere and " ; " in line)]
    return sorted({found[1].lower() for line in kept if (found := _PINNED.match(line))})


def asked_for() -> dict[str, str]:
    """Map each package that we name ourselves to the part of landcover that needs it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = {"the library": project["dependencies"]}
    parts |= {f"extra {name}": listed for name, listed in project["optional-dependencies"].items()}
    found: dict[str, str] = {}
    for part, listed in parts.items():
        for wanted in listed:
            found.setdefault(re.split(r"[\[<>=~! ;]", wanted)[0].lower(), part)
    return found


def licence_of(package: str) -> str:
    """Give the licence that an installed package declares."""
    about = metadata.metadata(package)
    field = (about.get("License") or "").strip()
    is_name = "\n" not in field and len(field) <= _LONGEST and field not in _SAYS_NOTHING
    classified = [
        line.rpartition(" :: ")[2]
        for line in about.get_all("Classifier") or []
        if line.startswith("License :: ")
    ]
    named = about.get("License-Expression") or (field if is_name else " or ".join(classified))
    return named or "see its page"


def table() -> str:
    """Write the table: what we ask for, one package a line, and what comes with it, by licence."""
    ours = asked_for()
    lines = ["| package | licence | for |", "|---|---|---|"]
    others: dict[str, list[str]] = defaultdict(list)
    for package in locked():
        if package in ours:
            lines.append(f"| {package} | {licence_of(package)} | {ours[package]} |")
    for package in locked(everywhere=True):
        if package not in ours:
            others[licence_of(package)].append(package)
    lines += ["", "What these need in their turn, by licence:", ""]
    for licence, packages in sorted(others.items(), key=lambda item: item[0].lower()):
        lines += [f"- **{licence}**:", *(f"  {line}" for line in _wrapped(packages))]
    return "\n".join(lines)


def _wrapped(packages: list[str]) -> list[str]:
    lines = [""]
    for package in packages:
        if len(lines[-1]) + len(package) > 100:
            lines.append("")
        lines[-1] += f"{package}, "
    lines = [line.rstrip() for line in lines]
    return [*lines[:-1], lines[-1].rstrip(",")]


def renewed(page: str) -> str:
    """Put the table of now in the place of the one in a page."""
    before, _, rest = page.partition(BEGIN)
    _, _, behind = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table()}\n\n{END}{behind}"


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
