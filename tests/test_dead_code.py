"""Code that nobody calls goes, or is named here with the reason why it stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from vulture import Vulture

ROOT = Path(__file__).resolve().parents[1]
CALLED_BY_OTHERS = [
    "@*validator", "@*serializer", "@command.command", "@field_validator", "@model_validator",
    "@model_serializer", "@overload", "@application.get",
]  # fmt: skip
"""Decorators whose functions pydantic, click, numba and the API server call."""
KINDS = {"function", "class", "method", "property", "import", "unreachable_code"}

WHOLE_ARRAYS = "the plain form on whole arrays, by which tests judge what works window by window"
RIVAL = "the bench puts its name together from the format"
HOOK = "called by the package that it is registered with or extends"
STAYS = {
    "blend_feather": WHOLE_ARRAYS,
    "box_mean": WHOLE_ARRAYS,
    "geographic_cell_sizes": WHOLE_ARRAYS,
    "ladder_median": WHOLE_ARRAYS,
    "ladder_rungs": WHOLE_ARRAYS,
    "merge_cells": WHOLE_ARRAYS,
    "offset_step": WHOLE_ARRAYS,
    "primary_owner": WHOLE_ARRAYS,
    "kappa": "given to those who ask for it",
    "plain_csv": RIVAL,
    "plain_parquet": RIVAL,
    "__getattr__": HOOK,
    "__dir__": HOOK,
    "_Sink": HOOK,
    "list_commands": HOOK,
    "get_command": HOOK,
    "handle_starttag": HOOK,
    "handle_endtag": HOOK,
    "handle_data": HOOK,
    "on_kill": HOOK,
    "notify": HOOK,
    "get_link": HOOK,
    "LandcoverPlugin": HOOK,
    "iter_partition_dagrun_infos": HOOK,
    "next_dagrun_info": HOOK,
    "next_dagrun_info_v2": HOOK,
    "resolve_partition_date": HOOK,
    "infer_manual_data_interval": HOOK,
    "generate_run_id": HOOK,
    "summary": HOOK,
    "decode_downstream": HOOK,
    "encode_upstream": HOOK,
    "to_downstream": HOOK,
    "to_upstream": HOOK,
    "to_partition_date": HOOK,
    "ClassAccessor": HOOK,
    "_repr_html_": HOOK,
}


def words_of_data(path: Path) -> Iterator[str]:
    """Give the words in strings that are no docstrings: tables name functions by strings."""
    tree = ast.parse(path.read_text())
    prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield from re.findall(r"\w+", node.value)


def unused() -> dict[str, str]:
    """Name what the library and the Airflow side define and never use."""
    folders = [ROOT / "landcover", ROOT / "plugins", ROOT / "dags"]
    found = Vulture(ignore_decorators=CALLED_BY_OTHERS)
    found.scavenge(folders)
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    spoken = {word for path in sources for word in words_of_data(path)}
    for page in (ROOT / "landcover").rglob("*.html"):
        spoken |= set(re.findall(r"\w+", page.read_text()))
    return {
        item.name: f"{item.filename.relative_to(ROOT)}:{item.first_lineno}"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in KINDS and item.name not in spoken
    }


def test_all_code_is_used_or_has_a_reason() -> None:
    found = unused()
    assert {name: place for name, place in found.items() if name not in STAYS} == {}
