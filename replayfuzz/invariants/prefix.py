"""What was delivered when a stream or an answer stopped early: a prefix, with nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from replayfuzz.invariants import evidence
from replayfuzz.invariants.calls import respelt
from replayfuzz.invariants.content import as_kept, as_shown, raw, records
from replayfuzz.invariants.invariant import answered, both_complete
from replayfuzz.transcript import Expected, ToolCall, Transcript
from replayfuzz.verdict import Class, Evidence

Pair = tuple[str, str, Sequence[Any], Sequence[Any]]
"""Case, words for people, what was sent, what was seen."""


def content_prefix(want: Expected, seen: Transcript) -> Evidence | None:
    """What arrived is what was sent up to the end, and all that had arrived whole by then.

    Losing the tail is allowed where an error was due at an unknown place (*want* is not
    strict, or its stream was whole and the error is the business of another rule).
    """
    if not answered(seen) or both_complete(want, seen):
        return None
    may_lose = seen.end != "complete" and (want.end == "complete" or not want.strict)
    for case, words, sent, got in _pairs(want.transcript, seen):
        length = evidence.common(sent, got)
        if len(got) == length and (may_lose or len(sent) == length):
            continue
        joined = isinstance(sent, str) and isinstance(got, str)
        if joined and evidence.damaged(str(got)) - evidence.damaged(str(sent)):
            continue  # broken decoding is the business of valid-utf8
        word = _word(sent, got, length)
        expected, observed = _words(sent, got, length)
        outcome = _unsure(want, seen) if word == "lost" else None
        shape = f"{words} {word}"
        return Evidence(f"{words}: {expected}", f"{words}: {observed}", shape, case, outcome)
    return None


def _pairs(want: Transcript, seen: Transcript) -> Iterator[Pair]:
    for kind in ("text", "reasoning", "refusal"):
        sent, got = want.joined(kind), seen.joined(kind)
        for choice in sorted(sent.keys() | got.keys()):
            yield kind, kind, sent.get(choice, ""), got.get(choice, "")
    calls, shown = want.tools(), seen.tools()
    for key in sorted(calls.keys() | shown.keys()):
        call, piece = calls.get(key, ToolCall()), shown.get(key, ToolCall())
        yield "tool", "tool name", call.name or "", piece.name or ""
        if respelt(call.arguments, piece.arguments) is None:
            yield "tool", "tool arguments", call.arguments, piece.arguments
    events = raw(want)
    yield "event", "event", events, as_kept(events, as_shown(events, raw(seen)))
    values = [[evidence.canonical(value) for value in records(side)] for side in (want, seen)]
    yield "record", "record", values[0], values[1]


def _word(sent: Sequence[Any], got: Sequence[Any], length: int) -> str:
    if length == len(got):
        return "lost"
    if isinstance(sent, str) and isinstance(got, str):
        return evidence.change(sent, got)
    return evidence.list_change(sent, got)


def _words(sent: Sequence[Any], got: Sequence[Any], length: int) -> tuple[str, str]:
    if isinstance(sent, str) and isinstance(got, str):
        return evidence.both(sent, got)
    shown = []
    for items in (sent, got):
        next_one = repr(items[length]) if length < len(items) else "nothing"
        shown.append(f"{len(items)}; number {length + 1} is {evidence.shown(next_one)}")
    return shown[0], shown[1]


def _unsure(want: Expected, seen: Transcript) -> Class | None:
    """A reset may throw away what had come and was not read yet: nobody has to have it.

    RFC 9293 section 3.10.7.4, second: "All segment queues should be flushed." RFC 9113
    sections 5.4.1 and 5.4.2: an error of HTTP/2 ends the stream at once. So a
    reader that tells of the reset may lose what came before it.
    """
    delivery = seen.delivery
    reset = want.message_end == "incomplete" and want.how in {"", "reset", "rst-stream", "goaway"}
    if not reset or seen.end == "complete":
        return None
    sure = delivery is None or delivery.over == "memory" or delivery.verified == delivery.segments
    return "non-strict" if sure else "unknown"
