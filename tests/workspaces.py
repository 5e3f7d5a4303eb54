"""Copies of workspaces, so that a test may change what others made."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def copy_workspace(workspace: Path, folder: Path) -> None:
    """Copy a workspace: its files as links, its records as a database of their own."""
    shutil.copytree(workspace, folder, copy_function=os.link)
    # A database that is written to is no link.
    for file in workspace.glob("records.sqlite*"):
        (folder / file.name).unlink()
        shutil.copy2(file, folder / file.name)
