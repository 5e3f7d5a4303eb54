"""Which files hold the ground truth, and what they are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from landcover.errors import InputError
from landcover.nouns.label_formats import FORMATS, format_of, listed

SIDECARS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
"""Files that make up a shapefile."""


def is_side_file(name: str) -> bool:
    """Tell whether a file is what macOS or an office program leaves beside a file of a person.

    Args:
        name: Name of the file, or its path in an archive.
    """
    folder, _, last = name.replace("\\", "/").rpartition("/")
    return last.startswith((".", "~$")) or "__MACOSX" in folder.split("/")


def split_paths(text: str) -> list[str]:
    """Split the argument of a run: one file or folder, or several with commas between them."""
    if Path(text).exists():
        return [text]
    return [part.strip() for part in text.split(",") if part.strip()]


def label_files(path: str | Path | Sequence[str | Path]) -> list[Path]:
    """List the label files that are meant, in the order given.

    Args:
        path: A file, a folder with label files, or a list of them. The files of a folder come in
            the order of their names; ``.txt`` and ``.json`` count only where they are named, and
            side files of macOS and office programs never do.

    Raises:
        InputError: A file is absent or cannot be read, or a folder holds none.
    """
    if isinstance(path, str | Path):
        file = Path(path)
        if not file.is_dir():
            _check_file(file)
            return [file]
        wanted = {ending for row in FORMATS for ending in set(row.suffixes) - set(row.only_named)}
        entries = (entry for entry in sorted(file.iterdir()) if not is_side_file(entry.name))
        found = [entry for entry in entries if entry.suffix.lower() in wanted]
        if not found:
            raise InputError(f"{file.name}: the folder holds no label files; read are {listed()}.")
        return found
    files = [file for entry in path for file in label_files(entry)]
    if not files:
        raise InputError("No label file was named; give one or more.")
    return list(dict.fromkeys(files))


def names_of(files: Sequence[Path]) -> list[str]:
    """Name files in tables and messages: with their folder where two have one name."""
    times = Counter(file.name for file in files)
    names = [
        file.name if times[file.name] == 1 else f"{file.parent.name}/{file.name}" for file in files
    ]
    if len(set(names)) < len(names):
        twice = Counter(names).most_common(1)[0][0]
        raise InputError(f"{twice}: two label files have this name; rename one of them.")
    return names


def parts_of(file: Path) -> list[Path]:
    """List the files that a label file is made of: a shapefile has several."""
    if file.suffix.lower() != ".shp":
        return [file]
    found = (entry for entry in file.parent.glob("*") if entry.stem == file.stem)
    return sorted(entry for entry in found if entry.suffix.lower() in SIDECARS)


def _check_file(file: Path) -> None:
    if not file.is_file():
        raise InputError(f"{file}: no such label file; check the path.")
    if format_of(file) is None:
        raise InputError(
            f"{file.name}: label files of type {file.suffix.lower() or 'without an ending'} are "
            f"not read; convert it (for example with ogr2ogr) to one of {listed()}."
        )
