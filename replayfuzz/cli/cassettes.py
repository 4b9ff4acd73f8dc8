"""Exchanges that a command line names: a file, one of several in it, or one that ships."""

from __future__ import annotations

import os
import re
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import redact, store
from replayfuzz.cassette import Exchange
from replayfuzz.errors import UsageError
from replayfuzz.report.paint import Paint, colours, no_colours


class Form(StrEnum):
    """Forms of what these commands tell."""

    HUMAN = "human"
    JSON = "json"


FormOption = Annotated[Form, typer.Option("--format", help="Form of the result.")]

NAMED = "a file, FILE#2 for the third exchange in it, or a shipped cassette by name"


def named(place: str) -> tuple[Exchange, ...]:
    """The exchanges of *place*, without their secrets: what is shown is often kept in a log.

    Raises:
        UsageError: There is no such file, exchange or shipped cassette.
        CassetteError: The file is not a cassette.
        StoreError: It cannot be read.
    """
    shipped = tuple(exchange for exchange in store.shipped() if exchange.name == place)
    if shipped and not Path(place).exists():
        return shipped
    path, number = place, ""
    if not Path(place).exists() and (found := re.fullmatch(r"(.+)#(\d{1,6})", place)):
        path, number = found[1], found[2]
    if not Path(path).is_file():
        raise UsageError(f"'{place}' is not there; name {NAMED}")
    exchanges = tuple(map(redact.exchange, store.read(Path(path)).exchanges))
    if not number:
        return exchanges
    if int(number) >= len(exchanges):
        raise UsageError(
            f"{path} has no exchange #{number}; it has {len(exchanges)}, counted from #0"
        )
    return (exchanges[int(number)],)


def paint(file: Path | None) -> Paint:
    """Colours where a terminal shows the result, and nobody asked for none (no-color.org)."""
    asked = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return colours if file is None and asked and sys.stdout.isatty() else no_colours
