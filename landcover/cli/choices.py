"""``landcover run --why``: which products each season was made of, and why not of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from landcover.parts.reporting.run_outputs import SeasonFinding
    from landcover.stores.workspace import Workspace


def choices_of(workspace: Workspace, run_id: str) -> list[dict[str, Any]]:
    """List what every season of a run was chosen from.

    Returns:
        One document per tile and season: ``tile``, ``period``, ``reason`` (why there is no
        composite; empty where there is one), ``candidates`` (name, date, cloud and nodata %,
        whether used, reason) and ``unreadable`` (one sentence each).
    """
    from landcover.parts.reporting.run_outputs import season_findings

    return [_document(season) for season in season_findings(workspace, run_id)]


def print_choices(choices: list[dict[str, Any]]) -> None:
    """Print the choices for people."""
    for choice in choices:
        used = sum(candidate["is_used"] for candidate in choice["candidates"])
        why = f": {choice['reason']}" if choice["reason"] else ""
        of = len(choice["candidates"]) + len(choice["unreadable"])
        click.echo(f"\n{choice['tile']} {choice['period']}, {used} of {of} products used{why}")
        for candidate in choice["candidates"]:
            mark = "used" if candidate["is_used"] else "left"
            click.echo(
                f"  {mark} {candidate['name']}  cloud {candidate['cloud_percent']:.1f} %, "
                f"nodata {candidate['nodata_percent']:.1f} %: {candidate['reason']}"
            )
        for sentence in choice["unreadable"]:
            click.echo(f"  left {sentence}")


def _document(season: SeasonFinding) -> dict[str, Any]:
    return {
        "tile": season.tile,
        "period": season.period.name,
        "reason": season.reason,
        "candidates": [
            {
                "name": candidate.name,
                "date": candidate.date,
                "cloud_percent": candidate.cloud_percent,
                "nodata_percent": candidate.nodata_percent,
                "is_used": candidate.is_used,
                "reason": candidate.reason,
            }
            for candidate in season.choice.candidates
        ],
        "unreadable": list(season.choice.unreadable),
    }
