"""What was said: text, raw events and records are those that were sent."""

from __future__ import annotations

from typing import Any

from replayfuzz.invariants import evidence
from replayfuzz.invariants.fold import SpokenEvent, spoken
from replayfuzz.invariants.invariant import Broken, both_complete
from replayfuzz.transcript import Expected, Transcript
from replayfuzz.verdict import Class, Evidence

_FIELDS = ("name", "data", "id", "retry")


def texts_equal(kind: str) -> Broken:
    """A rule: joined texts of *kind* (text, reasoning, refusal) are equal for each choice."""

    def broken(want: Expected, seen: Transcript) -> Evidence | None:
        if not both_complete(want, seen):
            return None
        return _texts(want.transcript.joined(kind), seen.joined(kind), kind)

    return broken


def content_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """Text for each choice, raw events and records are those that were sent."""
    if not both_complete(want, seen):
        return None
    sent = want.transcript
    return (
        _texts(sent.joined("text"), seen.joined("text"), "text")
        or _raw_events(raw(sent), raw(seen))
        or _records(records(sent), records(seen))
    )


def raw(transcript: Transcript) -> list[SpokenEvent]:
    """Its raw events with the standard's defaults."""
    return [spoken(event) for event in transcript.of("sse")]


def records(transcript: Transcript) -> list[Any]:
    """The JSON values of its records."""
    return [event.get("value") for event in transcript.of("record")]


def _texts(want: dict[int, str], seen: dict[int, str], kind: str) -> Evidence | None:
    for choice in sorted(want.keys() | seen.keys()):
        sent, got = want.get(choice, ""), seen.get(choice, "")
        if sent == got or evidence.damaged(got) - evidence.damaged(sent):
            continue  # broken decoding is the business of valid-utf8
        of = f"{kind} of choice {choice}: " if choice else f"{kind}: "
        expected, observed = evidence.both(sent, got)
        return Evidence(of + expected, of + observed, f"{kind} {evidence.change(sent, got)}")
    return None


def _raw_events(want: list[SpokenEvent], seen: list[SpokenEvent]) -> Evidence | None:
    seen = as_shown(want, seen)
    same_count = len(want) == len(seen)
    broken = evidence.damaged(_said(seen)) - evidence.damaged(_said(want))
    if want == seen or (same_count and broken):
        return None
    at = evidence.common(want, seen)
    if not same_count:
        expected = f"{len(want)} events; {_event(want, at)}"
        observed = f"{len(seen)} events; {_event(seen, at)}"
        return Evidence(expected, observed, _count_change(want, seen))
    pairs = enumerate(zip(want[at], seen[at], strict=True))
    which = next(number for number, (one, other) in pairs if one != other)
    where = f"event {at + 1} of {len(want)}: {_FIELDS[which]} "
    sent, got = (str(event[at][which] or "") for event in (want, seen))
    expected, observed = evidence.both(sent, got)
    shape, outcome = _field_change(which, sent, got, kept=bool(at) and sent == want[at - 1][2])
    return Evidence(where + expected, where + observed, shape, outcome=outcome)


def as_shown(want: list[SpokenEvent], seen: list[SpokenEvent]) -> list[SpokenEvent]:
    """*seen*, with the fields that the library never shows taken from *want*.

    A library shows a field if one of its events has it; ids and reconnection times are
    what some do not show at all.
    """
    no_ids = not any(event[2] for event in seen)
    no_times = not any(event[3] is not None for event in seen)
    blank: SpokenEvent = ("", "", "", None)
    filled = [*want, *[blank] * len(seen)]
    return [
        (name, data, sent[2] if no_ids else last_id, sent[3] if no_times else time)
        for (name, data, last_id, time), sent in zip(seen, filled, strict=False)
    ]


def as_kept(want: list[SpokenEvent], seen: list[SpokenEvent]) -> list[SpokenEvent]:
    """*seen*, with what content-equal calls non-strict taken from *want*: ids, times."""
    out = []
    for at, (name, data, last_id, time) in enumerate(seen):
        kept_id, kept_time = want[at][2:] if at < len(want) else ("", time)
        out.append((name, data, last_id or kept_id, kept_time))
    return out


def _said(events: list[SpokenEvent]) -> str:
    return "".join(part for event in events for part in event[:3])


def _event(events: list[SpokenEvent], at: int) -> str:
    if at >= len(events):
        return f"none after event {len(events)}"
    name, data, last_id, _ = events[at]
    shown_id = f", id {evidence.quote(last_id)}" if last_id else ""
    return f"event {at + 1} is {evidence.quote(name)} {evidence.quote(data)}{shown_id}"


def _count_change(want: list[SpokenEvent], seen: list[SpokenEvent]) -> str:
    few, many = [event[:2] for event in seen], [event[:2] for event in want]
    word = evidence.list_change(many, few)
    if word != "changed":
        return f"event {word}"
    if len(seen) > len(want):
        return "event split"
    bare, got = ("".join(data for _, data in events).replace("\n", "") for events in (many, few))
    return "events joined" if bare == got else "event changed"


def _field_change(which: int, sent: str, got: str, *, kept: bool) -> tuple[str, Class | None]:
    if which == 3:
        # "set the event stream's reconnection time": of the stream, not of the event, so
        # an event that shows it is a courtesy of the library.
        return "event retry changed", "non-strict"
    if which == 2 and not got:
        # Kept from the event before, or set by a block without data: WHATWG HTML has the
        # last event ID outlive its event, but an API may show what the event itself says.
        return "event id not kept" if kept else "event id lost", "non-strict"
    return f"event {_FIELDS[which]} {evidence.change(sent, got)}", None


def _records(want: list[Any], seen: list[Any]) -> Evidence | None:
    sent, got = ([evidence.canonical(value) for value in values] for values in (want, seen))
    broken = evidence.damaged("".join(got)) - evidence.damaged("".join(sent))
    if sent == got or (len(sent) == len(got) and broken):
        return None
    at = evidence.common(sent, got)
    words = []
    for texts in (sent, got):
        one = evidence.shown(texts[at]) if at < len(texts) else f"none after record {len(texts)}"
        words.append(f"{len(texts)} records; record {at + 1} is {one}")
    return Evidence(words[0], words[1], f"record {evidence.list_change(sent, got)}")
