"""``replayfuzz list``: what there is to name on a command line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import declared, store
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.errors import MissingError, ReplayfuzzError
from replayfuzz.scenarios import Scenario


class Things(StrEnum):
    """What can be listed."""

    TARGETS = "targets"
    CASSETTES = "cassettes"
    SCENARIOS = "scenarios"
    INVARIANTS = "invariants"
    EDITS = "edits"


def list_(
    what: Annotated[Things, typer.Argument(help="What to list.")],
    file: FileOption = None,
) -> None:
    """List targets, shipped cassettes, scenarios, invariants, or kinds of edits."""
    check(file)
    put("\n".join(columns(tuple(_ROWS[what]()))), file)


def _targets() -> Iterator[tuple[str, ...]]:
    yield ("TARGET", "KIND", "VERSION", "DIALECTS", "VARIANTS", "TO INSTALL")
    # Listing cassettes needs no processes.
    from replayfuzz import environments, handoff  # noqa: PLC0415

    for target in declared.all_targets():
        lacks = ""
        try:
            if target.kind == "daemon":
                version = handoff.toolchain(target)
            else:
                version = environments.installed(target).version
        except MissingError as error:
            version, lacks = "-", error.hint
        except ReplayfuzzError as error:
            version, lacks = "-", str(error)
        dialects, variants = ",".join(target.dialects), ",".join(target.variants)
        yield target.name, target.kind, version, dialects, variants, lacks


def _cassettes() -> Iterator[tuple[str, ...]]:
    yield ("CASSETTE", "DIALECT", "BYTES", "CHUNKS", "ORIGIN")
    for exchange in store.shipped():
        origin = dict(exchange.origin).get("kind", "")
        size, chunks = str(len(exchange.body)), str(len(exchange.chunks))
        yield exchange.name, exchange.dialect, size, chunks, origin


def _scenarios() -> Iterator[tuple[str, ...]]:
    from replayfuzz import examine, settings  # noqa: PLC0415

    yield from scenario_rows(examine.load(settings.load(Path.cwd()).scenarios))


def scenario_rows(scenarios: Iterable[Scenario]) -> Iterator[tuple[str, ...]]:
    """Rows for *scenarios*, with a heading."""
    yield ("SCENARIO", "CATEGORY", "SET", "UPSTREAM", "DESCRIPTION")
    for item in scenarios:
        kind = "strict" if item.strict else "plain"
        upstream = item.pattern or item.cassette or ("canned" if item.canned else "default")
        yield item.name, item.category, kind, upstream, item.description


def _invariants() -> Iterator[tuple[str, ...]]:
    from replayfuzz.invariants import INVARIANTS  # noqa: PLC0415

    yield ("INVARIANT", "CLASS", "REQUIREMENT", "SOURCE")
    for row in INVARIANTS:
        yield row.id, row.severity, row.requirement, row.source


def _edits() -> Iterator[tuple[str, ...]]:
    from replayfuzz.strategies import FAMILIES, HANDOFFS  # noqa: PLC0415

    yield ("FAMILY", "GROUP", "MEANING", "TITLE")
    for family in (*FAMILIES, *HANDOFFS):
        yield family.id, family.group, "kept" if family.preserving else "changed", family.title


_ROWS: dict[Things, Callable[[], Iterator[tuple[str, ...]]]] = {
    Things.TARGETS: _targets,
    Things.CASSETTES: _cassettes,
    Things.SCENARIOS: _scenarios,
    Things.INVARIANTS: _invariants,
    Things.EDITS: _edits,
}


def columns(rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    """The lines of a table whose columns are as wide as they need to be."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
