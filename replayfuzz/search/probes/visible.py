"""Is each event visible before the next one is sent? A few pauses, over a socket.

No clock is shared with the target. It tells when it saw each event, in seconds since its
call began; the server tells when it sent, in seconds since it had read the request. The
first clock starts earlier, so it is never behind: what it says is at most too late, by what
making a request takes, which is in the noise that the pauses allow for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from replayfuzz import dialects
from replayfuzz.cassette import Exchange
from replayfuzz.dialects.dialect import Ended
from replayfuzz.formats.spans import Record, events
from replayfuzz.invariants import incremental
from replayfuzz.plan import Pause, Plan, Splice
from replayfuzz.search.case import UNBENT, Attempt, Case
from replayfuzz.search.confirm import TIMES
from replayfuzz.search.probes.probe import Answer, Measured, Probe
from replayfuzz.transcript import Event, Transcript
from replayfuzz.verdict import Evidence

PLACES = 2  # events that are looked at; with fewer, late and last would look the same
QUICK = 0.08  # seconds of silence after each: the noise of a machine that a first look allows
SURE = 0.2  # the same for what the first look finds
NOTE = "measured over a socket: when the caller saw each event, with silence after it"
_CONTENT = {"text": "text", "reasoning": "text", "refusal": "text", "tool": "arguments"}


def probe(attempt: Attempt, exchange: Exchange, variant: str) -> Answer:
    """Play the stream with a pause after each event; then the same with CR line ends.

    An event may be held back because more could follow its line end (a CR, and then LF):
    that is told as non-strict.

    Returns:
        None also where no event of the stream shows anything that this variant reports.
    """
    for plan in (UNBENT, *_carriage_returns(exchange)):
        case = Case(exchange, _paused(attempt, Case(exchange, plan, variant), QUICK), variant)
        if "tcp" not in attempt.overs(case) or not _pauses(case.plan):
            continue
        if _once(attempt, case)[0] is None:
            continue
        slow = Case(exchange, _paused(attempt, Case(exchange, plan, variant), SURE), variant)
        if (found := again(attempt, slow)) is not None:
            return found
    return None


def again(attempt: Attempt, case: Case) -> Answer:
    """Play one case three times; see ``probe``."""
    attempt.attempt(Case(case.exchange, UNBENT, case.variant), "tcp")  # first calls take longer
    cases, last = set(), None
    for _ in range(TIMES):
        evidence, seen = _once(attempt, case)
        if evidence is None:
            return None
        cases.add(evidence.case)
        if not _plain(case):
            # WHATWG HTML 9.2.5: "UAs should ensure that appropriate buffering is used": of
            # line ends other than LF it only warns that they can cause delays.
            evidence = replace(evidence, outcome="non-strict")
        last = evidence, seen
    if last is None or len(cases) > 1:
        return None
    return Measured(case, last[0], last[1], "tcp", NOTE, TIMES + 1)


def _once(attempt: Attempt, case: Case) -> tuple[Evidence | None, Transcript]:
    seen = attempt.attempt(case, "tcp").seen
    bent = case.bent
    waits = seen.delivery.waits if seen.delivery else ()
    if not waits or len(waits) < len(bent.waits):
        return None, seen  # the target left early, which other rules are about
    reports = attempt.target.shown_by(case.variant, case.exchange.dialect)
    shown = [
        _reached(seen.events, _so_far(case.exchange, bent.body[:at], reports), reports)
        for at, _ in bent.waits
    ]
    # What follows an event is sent the moment that the wait after it is over.
    sent = [waits[0][0], *(ended for _, ended in waits)]
    return incremental(shown, sent, slack=0.0), seen


def _paused(attempt: Attempt, case: Case, seconds: float) -> Plan:
    """The plan of *case* with a pause after each of the first events that show something."""
    exchange = case.exchange
    reports = attempt.target.shown_by(case.variant, exchange.dialect)
    pauses: list[Pause] = []
    known = 0
    for number, record in enumerate(_records(exchange)):
        shown = _so_far(exchange, exchange.body[: record.end], reports)
        if shown > known and len(pauses) < PLACES:
            label = f"{seconds} s of silence after event {number + 1}"
            pauses.append(Pause(record.end, seconds, "time.pause", label))
        known = shown
    edits = (*case.plan.edits, *pauses)
    return Plan(edits, keep_chunks=False, keep_times=False)


def _plain(case: Case) -> bool:
    return all(isinstance(edit, Pause) for edit in case.plan.edits)


def _pauses(plan: Plan) -> bool:
    return any(isinstance(edit, Pause) for edit in plan.edits)


def _records(exchange: Exchange) -> Iterator[Record]:
    found = events(exchange.body, dialects.find(exchange.dialect).format)
    return (record for record in found if record.closed and record.data is not None)


def _carriage_returns(exchange: Exchange) -> Iterator[Plan]:
    """The same stream with CR line ends; none where CR alone ends no line."""
    if dialects.find(exchange.dialect).format != "sse" or b"\r" in exchange.body:
        return
    ends = [at for at, byte in enumerate(exchange.body) if byte == ord("\n")]
    yield Plan(
        tuple(Splice(at, 1, b"\r", "rewrite.line-ends", "CR line ends") for at in ends),
        keep_chunks=False,
        keep_times=False,
    )


def _so_far(exchange: Exchange, body: bytes, reports: frozenset[str] | None) -> int:
    """How much a correct reader has shown when it has read *body*, and more may come."""
    read = dialects.find(exchange.dialect).expect
    return sum(_amounts(read((body,), Ended(exchange.status, "open"))[0].events, reports))


def _reached(shown: Iterable[Event], wanted: int, reports: frozenset[str] | None) -> float | None:
    """When the caller had seen so much; None: never, or nobody told the time."""
    total = 0
    shown = tuple(shown)
    for event, amount in zip(shown, _amounts(shown, reports), strict=True):
        total += amount
        if total >= wanted:
            return event.t
    return None


def _amounts(shown: Iterable[Event], reports: frozenset[str] | None) -> Iterator[int]:
    """Characters of content, and raw events: what adds up, however a library parts it."""
    for event in shown:
        if reports is not None and event.type not in reports:
            yield 0
        elif event.type in _CONTENT:
            yield len(event.get(_CONTENT[event.type]) or "")
        else:
            yield 1 if event.type in {"sse", "record"} else 0


INCREMENTAL_DELIVERY = Probe("incremental-delivery", probe, again)
