"""Every input that a receipt may name has an option that says where it is here."""

from __future__ import annotations

import click

from landcover.cli.reproduce import command
from landcover.nouns.receipt import PATHS


def test_every_path_of_a_receipt_can_be_given() -> None:
    options = {p.name for p in command.params if isinstance(p, click.Option)}
    assert set(PATHS) <= options
