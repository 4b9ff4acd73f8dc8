"""``replayfuzz import``: recordings of other tools as cassettes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from replayfuzz import dialects, redact, store
from replayfuzz.cassette import UNKNOWN, Cassette, Exchange, dump
from replayfuzz.cli.output import put, say
from replayfuzz.errors import CassetteError, ReplayfuzzError, StoreError
from replayfuzz.imports import MOST, Imported, imported, too_large

_FAULTY = 2


class _Form(StrEnum):
    HUMAN = "human"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one file."""

    file: Path
    tool: str = ""
    cassette: Path | None = None
    exchanges: tuple[Exchange, ...] = ()
    passed: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE…",
            show_default=False,
            help="VCR.py, Ruby VCR, go-vcr, httprr, HAR, mitmproxy flows, or a bare body.",
        ),
    ],
    folder: Annotated[
        Path, typer.Option("-o", "--output", help="Folder that cassettes are written to.")
    ] = Path("cassettes"),
    dialect: Annotated[
        str | None, typer.Option(help="Dialect of all streams.  [default: guessed, each]")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Keep also what is no stream.")] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(help="Do not redact this field, member or kind of secret. Repeatable."),
    ] = None,
    form: Annotated[_Form, typer.Option("--format", help="Form of the result.")] = _Form.HUMAN,
) -> None:
    """Make cassettes of recordings that other tools wrote, a file each.

    Secrets are redacted. What a recording does not tell, times above all, is marked as
    unknown in the `origin` of each exchange. Exits 2 when something could not be taken over.
    """
    if dialect is not None and dialect != UNKNOWN:
        dialects.find(dialect)
    taken: set[Path] = set()
    kept = tuple(keep or ())
    done = [_one(file, dialect or "", every, kept, _place(file, folder, taken)) for file in files]
    put(_json(done) if form is _Form.JSON else "\n".join(_human(done)), None)
    if form is _Form.HUMAN:
        for fault in (fault for each in done for fault in each.faults):
            say(f"replayfuzz: {fault}")
    if any(each.faults for each in done):
        raise typer.Exit(_FAULTY)


def _place(file: Path, folder: Path, taken: set[Path]) -> Path:
    """Where the cassette of *file* goes; files of one name do not share it."""
    stem = Path(file.name.removesuffix(".gz")).stem
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    place = next(folder / f"{name}.yaml" for name in names if folder / f"{name}.yaml" not in taken)
    taken.add(place)
    return place


def _one(file: Path, dialect: str, every: bool, keep: tuple[str, ...], place: Path) -> _Done:
    try:
        found = imported(_read(file), file=str(file), dialect=dialect, every=every)
        faults = tuple(redact.text(fault, keep) for fault in found.faults)
        passed = tuple(redact.text(url, keep) for url in found.passed)
        cassette = _redacted(found, keep)
        if cassette.exchanges:
            _save(cassette, place)
        elif not faults:
            faults = (f"{file}: holds no stream; --all keeps what is none",)
        saved = place if cassette.exchanges else None
        return _Done(file, found.tool, saved, cassette.exchanges, passed, faults)
    except ReplayfuzzError as error:
        return _Done(file, faults=(redact.text(str(error), keep),))


def _redacted(found: Imported, keep: tuple[str, ...]) -> Cassette:
    exchanges = tuple(redact.exchange(each, keep) for each in found.cassette.exchanges)
    return Cassette(found.cassette.name, exchanges)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST + 1)
        if len(data) > MOST:
            raise too_large(file.stat().st_size, str(file))
    except OSError as error:
        raise StoreError(f"{file}: cannot be read: {error.strerror}; check the name") from error
    return data


def _save(cassette: Cassette, place: Path) -> None:
    """Write a cassette where none is, or the same: what is there may be the recording itself."""
    text = dump(cassette)
    if place.exists():
        if place.is_file() and _same(place, text.encode()):
            return
        raise CassetteError(
            "is there already and would be replaced; delete it, or name another folder with -o",
            file=str(place),
        )
    store.write(place, text)


def _same(place: Path, data: bytes) -> bool:
    return place.stat().st_size == len(data) and place.read_bytes() == data


def _human(done: list[_Done]) -> Iterator[str]:
    for each in done:
        if each.cassette:
            yield f"{each.file} ({each.tool}) -> {each.cassette}"
        for exchange in each.exchanges:
            origin = dict(exchange.origin)
            count, size = len(exchange.chunks), len(exchange.body)
            yield (
                f"  {exchange.name}: {exchange.dialect}, {size} bytes, {count} "
                f"chunk{'s' * (count != 1)} (boundaries {origin['boundaries']}, times "
                f"{origin['times']})"
            )
        if each.passed:
            told = ", ".join(f"{len(list(same))} x {url}" for url, same in groupby(each.passed[:5]))
            more = f" and {len(each.passed) - 5} more" if len(each.passed) > 5 else ""
            yield f"  left out, no stream (--all keeps it): {told}{more}"


def _json(done: list[_Done]) -> str:
    return json.dumps({"version": 1, "files": [_told(each) for each in done]}, indent=2)


def _told(each: _Done) -> dict[str, Any]:
    return {
        "file": str(each.file),
        "tool": each.tool,
        "cassette": str(each.cassette) if each.cassette else None,
        "exchanges": [
            {
                "name": exchange.name,
                "dialect": exchange.dialect,
                "status": exchange.status,
                "bytes": len(exchange.body),
                "chunks": len(exchange.chunks),
                "origin": dict(exchange.origin),
            }
            for exchange in each.exchanges
        ],
        "left_out": list(each.passed),
        "faults": list(each.faults),
    }
