"""The command line: ``landcover …``. One file a command; heavy imports wait inside them."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from landcover.errors import AbsentError, LandcoverError, UsageError, sentence_of

DEMO = Path("demo/workspace")
"""Where `make demo` puts its workspace, from the repository's folder."""
COMMANDS = {
    "accuracy": "landcover.cli.accuracy",
    "areas": "landcover.cli.areas",
    "bench": "landcover.cli.bench",
    "classify": "landcover.cli.classify",
    "compare": "landcover.cli.compare",
    "demo": "landcover.cli.demo",
    "design": "landcover.cli.design",
    "doctor": "landcover.cli.doctor",
    "estimate": "landcover.cli.estimate",
    "experiment": "landcover.cli.experiment",
    "quality": "landcover.cli.quality",
    "label-next": "landcover.cli.label_next",
    "labels": "landcover.cli.labels",
    "masks": "landcover.cli.masks",
    "model": "landcover.cli.model",
    "products": "landcover.cli.products",
    "receipt": "landcover.cli.receipt",
    "features": "landcover.cli.features",
    "recipe": "landcover.cli.recipe",
    "report": "landcover.cli.report",
    "reproduce": "landcover.cli.reproduce",
    "run": "landcover.cli.run",
    "samples": "landcover.cli.samples",
    "simulate": "landcover.cli.simulate",
    "status": "landcover.cli.status",
    "up": "landcover.cli.up",
    "verify": "landcover.cli.verify",
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the commands by name."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        home = COMMANDS.get(cmd_name)
        return None if home is None else import_module(home).command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="landcover")
def cli() -> None:
    """Make land-cover maps from Sentinel-2 archives and ground truth.

    Start with `landcover demo`, or `landcover run --help` for your own data.
    """


def common(function: Callable[..., int | None]) -> Callable[..., Any]:
    """Give a command what all have: --workspace, --json, --debug, one sentence per error."""

    @click.option(
        "--workspace",
        type=click.Path(file_okay=False),
        help="Folder of everything that is kept [default: landcover-workspace].",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
    @click.option("--debug", is_flag=True, help="Show the traceback of an error.")
    @wraps(function)
    def wrapper(*args: Any, debug: bool, **kwargs: Any) -> None:
        try:
            code = function(*args, **kwargs)
        except LandcoverError as error:
            _complain(error, debug=debug)
            if isinstance(error, AbsentError):
                point_to_demo(kwargs.get("workspace"))
            code = 2 if isinstance(error, UsageError) else 1
        except (KeyboardInterrupt, click.Abort):
            click.echo("Stopped. Nothing half-made was kept; the same command goes on.", err=True)
            code = 1
        except (OSError, MemoryError) as error:
            _complain(error, debug=debug)
            code = 1
        sys.exit(code or 0)

    return wrapper


def point_to_demo(workspace: str | None) -> None:
    """Say where the demo is, where no workspace was named, none is here, and a demo is."""
    is_default = workspace is None and not os.environ.get("LANDCOVER_WORKSPACE")
    if is_default and not Path("landcover-workspace").exists() and DEMO.is_dir():
        click.echo(f"The demo is in another workspace: add --workspace {DEMO}.", err=True)


def show_json(document: Any) -> None:
    """Print a document for machines."""
    click.echo(json.dumps(document, indent=1, default=str))


def _complain(error: BaseException, *, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    click.echo(f"Error: {sentence_of(error)}", err=True)


def main() -> None:
    """Run the command line."""
    # Python's own message for a closed pipe helps nobody (`landcover status | head`).
    try:
        cli()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
