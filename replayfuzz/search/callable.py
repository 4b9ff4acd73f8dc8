"""A reader that is a function of this process: ``Callable[[Iterable[bytes]], …]``."""

from __future__ import annotations

import platform
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from replayfuzz.plan import End
from replayfuzz.search.case import UNBENT, Case, Oracle, Outcome, Over
from replayfuzz.target import Target
from replayfuzz.transcript import Event, Failure, Transcript, events_from_json
from replayfuzz.wire import Bent, message_end

Reader = Callable[[Iterable[bytes]], "Transcript | Iterable[Event | Mapping[str, Any]]"]
"""Reads the pieces of a body, in order; returns a transcript, or the events in order. What
it raises is the outcome ``error``."""


class InProcess:
    """Tries cases on a function. There is no socket and no time limit.

    A stream that stays open and one with another status than 200 cannot be shown to it.
    A message that stops early ends in a ConnectionResetError after the last piece.
    """

    version = ""
    python = platform.python_version()

    def __init__(self, read: Reader, target: Target) -> None:
        self.target = target
        self._read = read
        self._oracle = Oracle()

    def overs(self, case: Case) -> tuple[Over, ...]:
        plan, exchange = case.plan, case.exchange
        coded = plan.head.coding or exchange.coding
        if plan.head.status not in (None, 200) or exchange.status != 200 or coded:
            return ()
        # Looking at the plan is enough, and bending the body here would cost as much again.
        ends = (exchange.ending, *(edit.how for edit in plan.edits if isinstance(edit, End)))
        return () if any(how in _SILENT for how in ends) else ("memory",)

    def attempt(self, case: Case, over: Over = "memory", patience: float = 1.0) -> Outcome:
        del over, patience
        bent = case.bent
        if self._oracle.lacks_base(case, bent, "memory"):
            self.attempt(replace(case, plan=UNBENT))
        pieces: Iterable[bytes] = bent.pieces
        if message_end(case.exchange, case.plan, bent) != "complete":
            pieces = _broken_off(bent)
        seen = read(self._read, pieces)
        return Outcome(seen, self._oracle.judge(case, bent, seen, self.target))

    def held(self) -> None:
        """It holds what this process does, which is not its own."""

    def close(self) -> None:
        pass


def read(reader: Reader, pieces: Iterable[bytes]) -> Transcript:
    """Call *reader*; whatever it does becomes a transcript."""
    events: list[Event] = []
    try:
        result = reader(pieces)
        if isinstance(result, Transcript):
            return result
        for item in result:
            # Not extend: what came before an error was shown, and counts.
            events.append(_event(item))  # noqa: PERF401
    except Exception as error:  # noqa: BLE001 - what a reader raises is its outcome
        return Transcript(tuple(events), "error", _failure(error))
    return Transcript(tuple(events))


def _event(item: Event | Mapping[str, Any]) -> Event:
    return item if isinstance(item, Event) else events_from_json([item])[0]


def target_of(reader: Reader, dialect: str, reports: tuple[str, ...] | None = None) -> Target:
    """A declaration for a function, named as it is."""
    name = getattr(reader, "__qualname__", type(reader).__qualname__)
    shown = {} if reports is None else {"*": reports}
    return Target(name, "parser", (dialect,), ("default",), (), reports=shown)


def _broken_off(bent: Bent) -> Iterator[bytes]:
    yield from bent.pieces
    raise ConnectionResetError("the connection ended before the message did")


def _failure(error: Exception) -> Failure:
    kind = type(error)
    where = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    # The frame that feeds the pieces is ours, and so is the one that called the reader.
    outside = [f for f in frames[1:] if f.f_globals.get("__name__") != __name__]
    if not outside:
        return Failure(where, str(error))
    last = outside[-1]
    return Failure(where, str(error), f"{last.f_globals.get('__name__')}:{last.f_code.co_name}")


_SILENT = ("stall", "open", "timeout")
