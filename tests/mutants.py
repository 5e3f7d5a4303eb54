"""A seeded sample of mutants over raster/, learn/ and ledger/, and which of them no test notices.

``make mutants`` runs it beside Cosmic Ray, which draws the mutants; the tests run in the
environment of the repository, in a copy of it. A mutant meets first the tests of its module's
name, then those that import it, then all fast tests of its room. What lives is printed with its
change: it asks for a test, or is equivalent, or is accepted with a reason in docs/mutants.md.
At the end the tests that killed run once on the unchanged code: one that fails there killed
nothing.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("raster", "learn", "ledger")
SECONDS = 600
"""A mutant whose tests take longer hangs, and is killed."""
# Without its decorator a kernel is the same function, only slower.
EQUIVALENT = ("core/RemoveDecorator",)
FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


def main() -> int:
    """Draw mutants, test them, and print those that lived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=1, help="go on with this one of the sample")
    parser.add_argument("--last", type=int, help="end with this one")
    parser.add_argument(
        "--near", action="store_true", help="without the tests of the room: more will live"
    )
    given = parser.parse_args()
    sample = draw(given.count, given.seed)
    n_lived = 0
    killers: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "repository"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv", "demo", ".*_cache")
        )
        (copy / ".venv").symlink_to(ROOT / ".venv")
        for number, (path, code, mutant) in list(enumerate(sample, 1))[: given.last]:
            if number < given.first:
                continue
            begun = time.monotonic()
            write(copy, path, mutant)
            killer = kill(copy, path, given.near)
            write(copy, path, code)
            word = f"killed by {killer}" if killer else "LIVES"
            print(
                f"{number}/{given.count} {path} {word} ({time.monotonic() - begun:.0f} s)",
                flush=True,
            )
            if killer:
                killers.add(killer)
                continue
            n_lived += 1
            change = difflib.unified_diff(code.splitlines(), mutant.splitlines(), n=1, lineterm="")
            print("\n".join(list(change)[2:]), flush=True)
        print(f"{n_lived} lived.", flush=True)
        for test in sorted(killers - {HANGS}):
            if failing(copy, [test]):
                print(f"{test} fails without any change: what it killed may live.", flush=True)
    return 0


def draw(count: int, seed: int) -> list[tuple[Path, str, str]]:
    """Draw mutants: modules by their length, then any change that Cosmic Ray knows for them.

    Returns:
        Path in the repository, its code, and the changed code, of each.
    """
    rng = random.Random(seed)
    paths = [path for room in ROOMS for path in sorted((ROOT / "landcover" / room).rglob("*.py"))]
    sizes = [len(path.read_text()) for path in paths]
    known: dict[Path, list[tuple[str, int]]] = {}
    drawn: list[tuple[Path, str, str]] = []
    seen: set[str] = set()
    while len(drawn) < count:
        (path,) = rng.choices(paths, sizes)
        code = path.read_text()
        if path not in known:
            known[path] = list(places(code))
        if not known[path]:
            continue
        name, occurrence = rng.choice(known[path])
        mutant = mutate_code(code, get_operator(name)(), occurrence)
        if mutant is None or mutant in seen or meaning(mutant) == meaning(code):
            continue
        seen.add(mutant)
        drawn.append((path.relative_to(ROOT), code, mutant))
    return drawn


def places(code: str) -> Iterator[tuple[str, int]]:
    """List what can be changed in a module: operator, and its number among the places."""
    tree = get_ast(code)
    for name in operator_names():
        kind = get_operator(name)
        if kind.arguments() or name in EQUIVALENT:
            continue
        operator = kind()
        found = sum(1 for node in ast_nodes(tree) for _ in operator.mutation_positions(node))
        yield from ((name, occurrence) for occurrence in range(found))


def meaning(code: str) -> str | None:
    """Give a module's syntax without annotations, which nothing reads; None if it is none."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def write(copy: Path, path: Path, code: str) -> None:
    """Write a module, and make those that import it newer than the code compiled of them.

    A compiled loop holds the loops of other modules that it calls.
    """
    (copy / path).write_text(code)
    if "@compiled" not in code:
        return
    changed, left = set(), {path}
    while left:
        changed |= left
        left = {user for one in left for user in users(copy, one)} - changed
    for one in changed:
        os.utime(copy / one)


def users(copy: Path, path: Path) -> list[Path]:
    """Find the modules of the library that import a module."""
    found = sorted((copy / "landcover" / path.parts[1]).rglob("*.py"))
    return [one.relative_to(copy) for one in found if imports(one, path)]


def imports(importer: Path, path: Path) -> bool:
    """Tell whether a file imports a module."""
    module = ".".join(path.with_suffix("").parts)
    package, _, name = module.rpartition(".")
    ways = (f"from {module} import", f"import {module}", f"from {package} import {name}")
    text = importer.read_text()
    return any(way in text for way in ways)


def kill(copy: Path, path: Path, is_near: bool) -> str | None:
    """Run the tests on a mutant; name the first that notices it."""
    tests = importing(copy, path)
    named = [test for test in tests if Path(test).stem == f"test_{path.stem}"]
    room = [] if is_near and tests else [f"tests/{path.parts[1]}"]
    for some in (named, [test for test in tests if test not in named], room):
        killer = failing(copy, some) if some else None
        if killer:
            return killer
    return None


def importing(copy: Path, path: Path) -> list[str]:
    """Find the tests that import a module."""
    tests = sorted((copy / "tests").rglob("test_*.py"))
    return [
        str(test.relative_to(copy))
        for test in tests
        if "airflow" not in test.parts and imports(test, path)
    ]


HANGS = "hanging"


def failing(copy: Path, tests: list[str]) -> str | None:
    """Run fast tests; name the first that fails, or tell that they never end."""
    command = [".venv/bin/python", "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    try:
        ended = subprocess.run(
            [*command, "-m", "not slow", *tests],
            cwd=copy,
            env={**os.environ, "PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return HANGS
    if ended.returncode in (0, 5):  # 5: all of them are slow
        return None
    found = FAILED.search(ended.stdout)
    return found[1] if found else tests[0]


if __name__ == "__main__":
    sys.exit(main())
