"""``replayfuzz lint``: secrets and damage in cassettes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import redact, store
from replayfuzz.cassette import Cassette, Exchange
from replayfuzz.cassette.values import chunks_fault
from replayfuzz.cli.cassettes import Form, FormOption
from replayfuzz.cli.output import FileOption, check, put
from replayfuzz.errors import CassetteError, StoreError
from replayfuzz.lint import Keys, keys
from replayfuzz.lint import lint as linted
from replayfuzz.report.lint import Linted, lint_json, lint_text


def lint(
    cassettes: Annotated[
        list[str], typer.Argument(metavar="CASSETTE...", help="Files, folders or globs.")
    ],
    redact_: Annotated[
        bool,
        typer.Option("--redact", help="First write each file that holds a secret anew, without."),
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="No secret here: a field, a member, or a kind such as e-mail. Repeatable.",
        ),
    ] = None,
    form: FormOption = Form.HUMAN,
    file: FileOption = None,
) -> None:
    """Look for secrets and damage in cassettes, and for what their dialects do not know.

    Exit status: 0 where there is nothing but notes, 1 where something was found, 2 where a
    file cannot be read.
    """
    check(file)
    known = keys(store.shipped())
    kept = tuple(keep or ())
    told = [_lint(path, known, kept, redacting=redact_) for path in store.files(cassettes)]
    put((lint_json if form is Form.JSON else lint_text)(told), file)
    if any(item.unreadable for item in told):
        raise typer.Exit(2)
    raise typer.Exit(int(any(item.faults for item in told)))


def _lint(path: Path, known: Keys, keep: tuple[str, ...], *, redacting: bool) -> Linted:
    """Look at one file; what is wrong with it must not keep the others from being looked at."""
    try:
        exchanges = store.read(path, damaged=True).exchanges
        if redacting:
            exchanges = _redacted(path, exchanges, keep)
    except (CassetteError, StoreError) as error:
        return Linted(str(path), unreadable=str(error))
    found = (
        (number, fault)
        for number, exchange in enumerate(exchanges)
        for fault in linted(exchange, known, keep)
    )
    return Linted(str(path), len(exchanges), tuple(found))


def _redacted(
    path: Path, exchanges: tuple[Exchange, ...], keep: tuple[str, ...]
) -> tuple[Exchange, ...]:
    """The exchanges without their secrets, which the file has now too.

    A file without any stays as it is, and so does a damaged one, which is to be mended first.
    """
    if not any(redact.leaks(each, keep) for each in exchanges):
        return exchanges
    if any(each.chunks and chunks_fault(each) for each in exchanges):
        return exchanges
    clean = tuple(redact.exchange(each, keep) for each in exchanges)
    store.save(Cassette(path.stem, clean), path)
    return clean
