"""Processes for which a folder can be read and not written to, whoever runs the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

MOUNTED = ("unshare", "-m", "sh", "-c", 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" '
           '&& shift && exec "$@"', "sh")  # fmt: skip
"""The folder as a read-only mount: what root needs, where it may mount."""
PLAIN = ("setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override")
"""Root as everybody else: stopped by the rights of files."""


def run_unwritable(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a Python script for which a folder is read-only, and give what it printed."""
    command = [sys.executable, "-c", script, *arguments]
    given: dict[str, Any] = {"text": True, "capture_output": True, "env": {**os.environ}}
    if os.getuid() == 0 and _runs([*MOUNTED, str(folder), "true"]):
        return subprocess.run([*MOUNTED, str(folder), *command], check=False, **given)
    places = [folder, *folder.rglob("*")]
    for place in places:
        place.chmod(place.stat().st_mode & ~0o222)
    try:
        return subprocess.run(
            [*(PLAIN if os.getuid() == 0 else ()), *command], check=False, **given
        )
    finally:
        for place in places:
            place.chmod(place.stat().st_mode | 0o200)


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
