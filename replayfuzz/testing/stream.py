"""One bent stream, as a test is given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from replayfuzz import dialects, invariants
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan
from replayfuzz.transcript import (
    Event,
    Expected,
    Failure,
    Transcript,
    event_to_json,
    events_from_json,
)
from replayfuzz.verdict import Violation
from replayfuzz.wire import bend, message_end, pieces, render
from replayfuzz.wire.script import Script

_LEAST = {"sse": "sse", "ndjson": "record"}  # what a reader of a raw dialect reports


@dataclass(frozen=True)
class Stream:
    """A recorded stream, bent in one way. Iterating gives its pieces in order.

    Attributes:
        exchange: The recorded stream; *plan*: what is done to it.
    """

    exchange: Exchange
    plan: Plan

    def __repr__(self) -> str:
        words = "; ".join(self.plan.words) or "unbent"
        shown = self.pieces if len(self.body) <= 2000 else f"<{len(self.body)} bytes>"
        return f"Stream({self.exchange.name}: {words}: {shown})"

    def __iter__(self) -> Iterator[bytes]:
        """Give the pieces; raise ConnectionResetError where the message stops early."""
        yield from self.pieces
        if not self.whole:
            raise ConnectionResetError("the connection ended before the message did")

    @cached_property
    def pieces(self) -> tuple[bytes, ...]:
        """The body as a client reads it, parted at every boundary; none is empty."""
        return pieces(self.exchange, self.plan)

    @cached_property
    def body(self) -> bytes:
        """Every byte of the body as sent."""
        return bend(self.exchange, self.plan).body

    @property
    def dialect(self) -> str:
        """Name of its dialect."""
        return self.exchange.dialect

    @cached_property
    def whole(self) -> bool:
        """The message ends as its framing tells (``wire.message_end``)."""
        return message_end(self.exchange, self.plan, bend(self.exchange, self.plan)) == "complete"

    @cached_property
    def outcomes(self) -> tuple[Expected, ...]:
        """Everything that a correct reader may report, the ordinary outcome first."""
        return dialects.expected(self.exchange, self.plan)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events of the ordinary outcome, as worker protocol v1 has them."""
        return [event_to_json(event) for event in self.outcomes[0].events]

    @property
    def text(self) -> str:
        """Text of the first choice in the ordinary outcome."""
        return self.outcomes[0].transcript.joined("text").get(0, "")

    @property
    def script(self) -> Script:
        """The sends that show it over HTTP/1.1: for ``replay_server.offer``."""
        return render(self.exchange, self.plan)

    def check(
        self,
        events: Iterable[Event | Mapping[str, Any]],
        error: BaseException | None = None,
        *,
        reports: Iterable[str] = (),
    ) -> None:
        """Hold what a reader reported against every rule that applies.

        Args:
            events: What it reported: ``{"type": "text", "text": "Hel"}``, ….
            error: What it raised instead of ending well; None: it ended well.
            reports: Event types that it shows to its caller; rules about others do not
                apply. None given: texts (of a raw dialect its events), and what *events* has.

        Raises:
            AssertionError: A rule of class *failed* is broken; the message names it and its clause.
        """
        __tracebackhide__ = True
        told = tuple(
            item if isinstance(item, Event) else events_from_json([item])[0] for item in events
        )
        failure = Failure(type(error).__name__, str(error)) if error else None
        seen = Transcript(told, "error" if error else "complete", failure)
        types = frozenset(reports) or {_LEAST.get(self.dialect, "text"), *(e.type for e in told)}
        broken = [
            violation
            for violation in invariants.judge(self.outcomes, seen, frozenset(types)).violations
            if violation.outcome == "failed"
        ]
        if broken:
            raise AssertionError("\n".join(map(_told, broken)))


def _told(violation: Violation) -> str:
    rule = invariants.find(violation.invariant)
    return (
        f"{violation.name}: {rule.requirement} [{rule.source}]\n"
        f"  expected: {violation.evidence.expected}\n"
        f"  observed: {violation.evidence.observed}"
    )
