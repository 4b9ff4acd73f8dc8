"""The program: its commands, and what an error of ours looks like."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from replayfuzz import __version__
from replayfuzz.cli.catalog import list_
from replayfuzz.cli.doctor import doctor
from replayfuzz.cli.fuzz import fuzz
from replayfuzz.cli.replay import replay
from replayfuzz.cli.report import report
from replayfuzz.errors import ReplayfuzzError

app = typer.Typer(
    help="Fuzz what reads LLM streams: cassettes in, minimal findings out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fuzz)
app.command()(replay)
app.command()(report)
app.command("list")(list_)
app.command()(doctor)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"replayfuzz {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    del version  # answered by its callback


def run() -> None:
    """Run the program; an error of ours is one line on standard error and status 2."""
    try:
        app()
    except ReplayfuzzError as error:
        sys.stderr.write(f"replayfuzz: {error}\n")
        sys.exit(2)
    except BrokenPipeError:
        # Whoever read our output has gone (``| head``). Python would complain again on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
