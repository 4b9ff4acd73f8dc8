"""``replayfuzz test``: put daemons through fixed scenarios."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from replayfuzz import declared, examine, settings
from replayfuzz.cli.catalog import columns, scenario_rows
from replayfuzz.cli.fuzz import seconds
from replayfuzz.cli.output import FileOption, Form, FormOption, GoneError, check, put, say, show
from replayfuzz.errors import StoreError, UsageError
from replayfuzz.report.scenarios import FORMATS, closing, human, opening, told, totals
from replayfuzz.scenarios import Examined, Result
from replayfuzz.target import Target

Targets = Annotated[
    list[str] | None,
    typer.Option(help="Daemon by name, or its .toml file. Repeatable.  [default: all]"),
]
Categories = Annotated[
    list[str] | None,
    typer.Option(help="basic, unicode, chunks, abort, finish, or another. Repeatable."),
]
Names = Annotated[list[str] | None, typer.Option(help="Only this scenario. Repeatable.")]
Places = Annotated[
    list[str] | None,
    typer.Option(help="Scenarios of your own: a .toml file, or a folder of them. Repeatable."),
]
Variants = Annotated[
    list[str] | None,
    typer.Option(help="Only this way to the upstream. Repeatable."),
]
Timeout = Annotated[str, typer.Option(help="What one scenario may take.")]
Strict = Annotated[
    bool, typer.Option("--strict/--no-strict", help="With the scenarios of the strict set.")
]
Port = Annotated[
    int,
    typer.Option(
        envvar="MOCK_API_PORT", min=0, max=65535, help="Port of the upstream; 0: any free one."
    ),
]


def run_scenarios(
    target: Targets = None,
    category: Categories = None,
    scenario: Names = None,
    scenarios: Places = None,
    variant: Variants = None,
    timeout: Timeout = "30s",
    strict: Strict = True,
    port: Port = 0,
    form: FormOption = Form.HUMAN,
    file: FileOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also what held, and the times.")
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help="List the scenarios that were chosen, and end.")
    ] = False,
) -> None:
    """Put streaming daemons through fixed scenarios, as their web server and their provider.

    A scenario that a daemon's declaration says nothing about is skipped, as is a daemon for
    which something is missing here. Exit status: 0 everything that ran held, 1 a scenario
    failed, 2 wrong usage, nothing ran, or it could not be told.
    """
    check(file)
    places = scenarios or list(settings.load(Path.cwd()).scenarios)
    chosen = examine.chosen(
        examine.load(places), categories=category or (), names=scenario or (), strict=strict
    )
    if list_:
        put("\n".join(columns(tuple(scenario_rows(chosen)))), file)
        return
    limit = seconds(timeout, "--timeout")
    daemons = _daemons(target or [])
    _check_variants(daemons, variant or [])
    options = examine.Options(tuple(variant or ()), limit, port)
    live = form is Form.HUMAN and file is None
    every = examine.examine(daemons, chosen, options, _Teller(live=live, verbose=verbose))
    if live:
        text = totals(every)
    else:
        text = human(every, verbose=verbose) if form is Form.HUMAN else FORMATS[form](every)
    raise typer.Exit(_told(every, text, file))


class _Teller:
    """Shows each scenario when it is over, where the result is for people."""

    def __init__(self, *, live: bool, verbose: bool) -> None:
        self._live = live
        self._verbose = verbose

    def building(self, what: str) -> None:
        say(f"replayfuzz: {what}")

    def opens(self, examined: Examined) -> None:
        self._show(lambda: opening(examined))

    def tells(self, result: Result) -> None:
        self._show(lambda: told(result, verbose=self._verbose))

    def closes(self, examined: Examined) -> None:
        self._show(lambda: closing(examined))

    def _show(self, text: Callable[[], str]) -> None:
        if not self._live:
            return
        try:
            show(text())
        except GoneError:
            raise KeyboardInterrupt from None  # it ends with what it has


def _told(every: Sequence[Examined], text: str, file: Path | None) -> int:
    """Print or write the result.

    Returns:
        The exit status.
    """
    status = _status(every)
    try:
        put(text, file)
    except StoreError as error:
        say(f"replayfuzz: {error}")
        if file is not None:
            with contextlib.suppress(StoreError):
                put(text, None)
        return status or 2
    return status


def _status(every: Sequence[Examined]) -> int:
    if any(examined.failed for examined in every):
        return 1
    if any(examined.error for examined in every):
        return 2
    if any(examined.ran for examined in every):
        return 0
    reasons = {f"{examined.name}: {_reason(examined)}" for examined in every}
    say("\n".join(f"replayfuzz: nothing was run: {reason}" for reason in sorted(reasons)))
    return 2


def _reason(examined: Examined) -> str:
    if examined.skipped:
        return examined.skipped
    reasons = dict.fromkeys(result.skipped for result in examined.results)
    return "; ".join(reasons)


def _daemons(names: Sequence[str]) -> tuple[Target, ...]:
    if not names:
        return tuple(target for target in declared.all_targets() if target.kind == "daemon")
    found = {target.name: target for target in map(declared.find, names)}
    for target in found.values():
        if target.kind != "daemon":
            raise UsageError(
                f"{target.name} is of the kind {target.kind}, and scenarios are for daemons; "
                f"see `replayfuzz fuzz --target {target.name}`"
            )
    return tuple(found.values())


def _check_variants(targets: Sequence[Target], wanted: Sequence[str]) -> None:
    known = {name for target in targets for name in target.variants}
    for name in wanted:
        if name not in known:
            raise UsageError(
                f"no daemon has a variant {name!r}; there are {', '.join(sorted(known))}"
            )
