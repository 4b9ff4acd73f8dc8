"""From pieces of a body to what a dialect folds: dispatched events or lines, and what is left over.

A stream is a value: one that was read before is looked up, not folded again, which is what
makes a sweep over all cuts of one body cheap.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, NamedTuple

from replayfuzz.dialects.dialect import Ended
from replayfuzz.dialects.rulings import Rulings, outcomes
from replayfuzz.dialects.story import Story, by_status, message_of
from replayfuzz.formats.ndjson import LineReader, RawLine
from replayfuzz.formats.sse import ServerEvent, SseReader
from replayfuzz.transcript import Expected

Expect = Callable[[tuple[bytes, ...], Ended], tuple[Expected, ...]]


class SseStream(NamedTuple):
    """A whole SSE body; *pending* are the data lines of an event that was not dispatched.

    *unended*: its bytes end inside a line or an event.
    """

    events: tuple[ServerEvent, ...]
    pending: tuple[bytes, ...]
    body: bytes
    unended: bool = False


class LineStream(NamedTuple):
    """A whole NDJSON body; blank lines are left out."""

    lines: tuple[RawLine, ...]
    body: bytes


def sse_stream(pieces: tuple[bytes, ...]) -> SseStream:
    """Read the pieces of an SSE body."""
    reader = SseReader()
    events = [event for piece in pieces for event in reader.receive(piece)]
    return SseStream(tuple(events), tuple(reader.pending), b"".join(pieces), reader.unended)


def line_stream(pieces: tuple[bytes, ...]) -> LineStream:
    """Read the pieces of an NDJSON body."""
    reader = LineReader()
    lines = [line for piece in pieces for line in reader.receive(piece)]
    return LineStream((*lines, *reader.end()), b"".join(pieces))


def sse_oracle(
    fold: Callable[[SseStream, Story], Expected],
    *,
    raw: bool = False,
    error: Callable[[Any], str] = message_of,
) -> Expect:
    """Make an oracle of a function that tells one story of an SSE stream.

    Args:
        fold: Called for a response whose status lets its body count.
        raw: No provider's API: the status may be somebody else's concern.
        error: The text for people in the body of an HTTP error; "": any will do.
    """

    @lru_cache(maxsize=32)
    def told(stream: SseStream, ended: Ended) -> tuple[Expected, ...]:
        # WHATWG HTML 9.2.6 decodes with replacement, but 9.2.5 has no such streams: "Event
        # streams in this format must always be encoded as UTF-8".
        strict = _is_utf8(stream.body)

        def read(rulings: Rulings) -> Expected:
            story = Story(rulings, ended, strict=strict)
            return by_status(story, stream.body, raw=raw, error=error) or fold(stream, story)

        return outcomes(read)

    @wraps(fold)
    def expect(pieces: tuple[bytes, ...], ended: Ended) -> tuple[Expected, ...]:
        return told(sse_stream(pieces), ended)

    return expect


def line_oracle(fold: Callable[[LineStream, Story], Expected], *, raw: bool = False) -> Expect:
    """Make an oracle of a function that tells one story of an NDJSON stream.

    Args:
        fold: Called for a response whose status lets its body count.
        raw: No provider's API: the status may be somebody else's concern.
    """

    @lru_cache(maxsize=32)
    def told(stream: LineStream, ended: Ended) -> tuple[Expected, ...]:
        # A byte order mark and blank lines may be skipped, or be an error (see ndjson).
        strict = _is_utf8(stream.body) and not _has_oddities(stream)

        def read(rulings: Rulings) -> Expected:
            story = Story(rulings, ended, strict=strict)
            return by_status(story, stream.body, raw=raw) or fold(stream, story)

        return outcomes(read)

    @wraps(fold)
    def expect(pieces: tuple[bytes, ...], ended: Ended) -> tuple[Expected, ...]:
        return told(line_stream(pieces), ended)

    return expect


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_oddities(stream: LineStream) -> bool:
    if stream.body.startswith(b"\xef\xbb\xbf"):
        return True
    last = stream.lines[-1].line if stream.lines else 0
    return len(stream.lines) < last or stream.body.count(b"\n") > last
