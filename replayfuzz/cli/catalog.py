"""``replayfuzz list``: what there is to name on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated

import typer

from replayfuzz import declared, store
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.errors import MissingError


class Things(StrEnum):
    """What can be listed."""

    TARGETS = "targets"
    CASSETTES = "cassettes"
    INVARIANTS = "invariants"
    EDITS = "edits"


def list_(
    what: Annotated[Things, typer.Argument(help="What to list.")],
    file: FileOption = None,
) -> None:
    """List targets, shipped cassettes, invariants, or kinds of edits."""
    check(file)
    put("\n".join(_columns(tuple(_ROWS[what]()))), file)


def _targets() -> Iterator[tuple[str, ...]]:
    yield ("TARGET", "KIND", "VERSION", "DIALECTS", "VARIANTS")
    from replayfuzz import environments  # noqa: PLC0415 - listing cassettes needs no processes

    for target in declared.all_targets():
        try:
            version = environments.installed(target).version
        except MissingError as error:
            version = f"({error.hint})"
        yield (
            target.name,
            target.kind,
            version,
            ",".join(target.dialects),
            ",".join(target.variants),
        )


def _cassettes() -> Iterator[tuple[str, ...]]:
    yield ("CASSETTE", "DIALECT", "BYTES", "CHUNKS", "ORIGIN")
    for exchange in store.shipped():
        origin = dict(exchange.origin).get("kind", "")
        size, chunks = str(len(exchange.body)), str(len(exchange.chunks))
        yield exchange.name, exchange.dialect, size, chunks, origin


def _invariants() -> Iterator[tuple[str, ...]]:
    from replayfuzz.invariants import INVARIANTS  # noqa: PLC0415

    yield ("INVARIANT", "CLASS", "REQUIREMENT", "SOURCE")
    for row in INVARIANTS:
        yield row.id, row.severity, row.requirement, row.source


def _edits() -> Iterator[tuple[str, ...]]:
    from replayfuzz.strategies import FAMILIES  # noqa: PLC0415

    yield ("FAMILY", "GROUP", "MEANING", "TITLE")
    for family in FAMILIES:
        yield family.id, family.group, "kept" if family.preserving else "changed", family.title


_ROWS: dict[Things, Callable[[], Iterator[tuple[str, ...]]]] = {
    Things.TARGETS: _targets,
    Things.CASSETTES: _cassettes,
    Things.INVARIANTS: _invariants,
    Things.EDITS: _edits,
}


def _columns(rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
