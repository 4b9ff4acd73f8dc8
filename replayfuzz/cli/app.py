"""The program: its commands, and what an error of ours looks like."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from replayfuzz import __version__
from replayfuzz.cli.bisect import bisect
from replayfuzz.cli.catalog import list_
from replayfuzz.cli.diff import diff
from replayfuzz.cli.doctor import doctor
from replayfuzz.cli.fuzz import fuzz
from replayfuzz.cli.import_ import import_
from replayfuzz.cli.lint import lint
from replayfuzz.cli.output import put, say
from replayfuzz.cli.record import record
from replayfuzz.cli.replay import replay
from replayfuzz.cli.report import report
from replayfuzz.cli.serve import serve
from replayfuzz.cli.show import show
from replayfuzz.cli.test import run_scenarios
from replayfuzz.errors import ReplayfuzzError

_INTERRUPTED = 130  # what typer makes of Ctrl-C; ours is 2

app = typer.Typer(
    help="Fuzz what reads LLM streams: cassettes in, minimal findings out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",  # paragraphs are wrapped as the terminal is wide
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(fuzz)
app.command("test")(run_scenarios)
app.command()(replay)
app.command()(bisect)
app.command()(report)
app.command()(record)
app.command()(serve)
app.command("import")(import_)
app.command()(lint)
app.command()(show)
app.command()(diff)
app.command("list")(list_)
app.command()(doctor)


def _print_version(asked: bool) -> None:
    if asked:
        put(f"replayfuzz {__version__}", None)
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


def run() -> int:
    """Run the program; an error of ours is one line on standard error.

    Returns:
        The exit status.

    Raises:
        KeyboardInterrupt: The user ended it, outside of what ends cleanly by itself.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # None where it was closed before we started
            # Streams hold characters that this terminal may have no bytes for.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except ReplayfuzzError as error:
        say(f"replayfuzz: {error}")
        return 2
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            raise KeyboardInterrupt from None
        return end.code if isinstance(end.code, int) else 0
    return 0
