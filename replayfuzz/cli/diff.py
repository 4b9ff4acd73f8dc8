"""``replayfuzz diff``: what differs between two cassettes."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

import typer

from replayfuzz.cassette import Exchange
from replayfuzz.cli.cassettes import Form, FormOption, named, paint
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.report.diff import PARTS, Difference, diff_json, differences
from replayfuzz.report.diff import diff as rendered


class Only(StrEnum):
    """What can be compared."""

    MEANING = "meaning"
    BYTES = "bytes"
    BOUNDARIES = "boundaries"
    HEADS = "heads"
    REQUEST = "request"


_PLACE = "A file, FILE#2 for the third exchange in it, or a shipped cassette by name."


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=_PLACE)],
    b: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    only: Annotated[list[Only] | None, typer.Option(help="Compare this alone. Repeatable.")] = None,
    form: FormOption = Form.HUMAN,
    file: FileOption = None,
) -> None:
    """Compare two cassettes by what they say, by bytes, boundaries, heads and request.

    Times and origins are not compared. Exit status: 0 equal, 1 different, 2 where one of
    them cannot be read.
    """
    check(file)
    parts = [part for part in PARTS if not only or part in only]
    pairs = [
        (title, differences(x, y, parts) if x and y else _missing(x, y))
        for title, x, y in _pairs(named(a), named(b))
    ]
    put(diff_json(pairs) if form is Form.JSON else rendered(pairs, paint=paint(file)), file)
    raise typer.Exit(int(any(found for _, found in pairs)))


def _pairs(
    first: tuple[Exchange, ...], second: tuple[Exchange, ...]
) -> Iterator[tuple[str, Exchange | None, Exchange | None]]:
    for number in range(max(len(first), len(second))):
        x, y = (side[number] if number < len(side) else None for side in (first, second))
        yield " and ".join(each.name if each else "nothing" for each in (x, y)), x, y


def _missing(x: Exchange | None, y: Exchange | None) -> tuple[Difference, ...]:
    names = (each.name if each else "" for each in (x, y))
    return (Difference("meaning", "exchange", *names),)
