"""``replayfuzz show``: a cassette as people read it."""

from __future__ import annotations

from typing import Annotated

import typer

from replayfuzz.cli.cassettes import named, paint
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.report.show import show as rendered


def show(
    cassettes: Annotated[
        list[str],
        typer.Argument(
            metavar="CASSETTE...", help="Files, FILE#2 for the third exchange, or shipped names."
        ),
    ],
    hex: Annotated[bool, typer.Option("--hex", help="Show the bytes of each chunk too.")] = False,
    file: FileOption = None,
) -> None:
    """Show cassettes: heads, each chunk with its time and text, the end, and what it says."""
    check(file)
    exchanges = [exchange for place in cassettes for exchange in named(place)]
    colour = paint(file)
    put("\n".join(rendered(each, hex=hex, paint=colour) for each in exchanges), file)
