"""HTTP/1.1 responses, framed by hand, because their boundaries are what is tested.

RFC 9112 section 6 (message body length) and section 7.1 (chunked transfer coding).
"""

from __future__ import annotations

from typing import Literal

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.plan import End, Framing, Head, How, Plan
from replayfuzz.wire.bend import Bent, bend, bodiless
from replayfuzz.wire.head import head_bytes
from replayfuzz.wire.script import Close, Script, Send, Step, Wait
from replayfuzz.wire.segments import Segment, chunked, segments_of, told_length


def render(exchange: Exchange, plan: Plan, bent: Bent | None = None) -> Script:
    """Turn a recorded exchange and a plan into the sends to perform.

    Pure and total: equal arguments give equal scripts, which is what makes a saved plan
    a reproduction. The head travels with the first bytes of the body unless there is a
    boundary at byte 0. *bent* is ``bend(exchange, plan)``, where the caller has it.

    Raises:
        PlanError: The plan does not fit the recorded body.
    """
    bent = bent or bend(exchange, plan)
    framing = framing_of(exchange, plan)
    segments = segments_of(bent, plan.head)
    writer = _Writer(
        head_bytes(exchange, plan.head, framing, told_length(bent, segments, plan.head))
    )
    empty = bodiless(plan.head.status or exchange.status)
    if not empty:
        if framing == "chunked":
            _write_chunks(writer, segments, plan.head.extension, _unsent(bent))
        else:
            _write_plain(writer, segments)
        if framing == "chunked":
            _write_end(writer, bent, plan.head, plan.head.trailers or exchange.trailers)
    writer.flush()
    close = Close("keep") if empty else _close(bent, framing)
    return Script((*writer.steps, close))


def framing_of(exchange: Exchange, plan: Plan) -> Framing:
    """How the end of the body is told when *plan* is played over HTTP/1.1."""
    if _ending(exchange, plan) == "short":
        return "content-length"  # the only framing in which a body can be too short
    return plan.head.framing or exchange.framing or "chunked"


def _ending(exchange: Exchange, plan: Plan) -> How | Literal["timeout"]:
    """The ending that counts, as in ``bend``: the first of those with the lowest offset."""
    if End not in map(type, plan.edits):
        return exchange.ending
    ends = [edit for edit in plan.edits if isinstance(edit, End)]
    return min(ends, key=lambda end: end.at).how


def message_end(
    exchange: Exchange, plan: Plan, bent: Bent
) -> Literal["complete", "incomplete", "open"]:
    """As ``wire.message_end`` (RFC 9112 section 8)."""
    framing = framing_of(exchange, plan)
    status = plan.head.status or exchange.status
    if bodiless(status):
        # Section 15.2 of RFC 9110: after an interim response the final one is waited for.
        return "open" if status < 200 else "complete"
    all_sent = (
        framing == "content-length" and len(bent.body) == bent.full and plan.head.coding is None
    )
    match bent.how:
        case "complete":
            return "complete"
        case "fin" | "goaway" if framing == "close" or all_sent:
            return "complete"
        case "reset" | "rst-stream" | "stall" | "open" if all_sent:
            return "complete"
        case "stall" | "open":
            return "open"
        case _:
            return "incomplete"


class _Writer:
    """Gathers bytes into sends: a send goes on until a boundary asks for a new one."""

    def __init__(self, head: bytes) -> None:
        self.steps: list[Step] = []
        self._open: list[bytes] = [head]

    def put(self, data: bytes) -> None:
        if data:
            self._open.append(data)

    def flush(self) -> None:
        if self._open:
            self.steps.append(Send(b"".join(self._open)))
            self._open = []

    def wait(self, seconds: float) -> None:
        if seconds > 0:
            self.flush()
            self.steps.append(Wait(seconds))


def _write_plain(writer: _Writer, segments: tuple[Segment, ...]) -> None:
    for segment in segments:
        if segment.new_chunk or segment.new_send:
            writer.flush()
        writer.wait(segment.wait)
        writer.put(segment.data)


def _unsent(bent: Bent) -> int:
    """Bytes that the last chunk announces and does not hold."""
    if bent.how == "complete" or bent.in_head or not bent.in_chunk:
        return 0
    return max(bent.full - len(bent.body), 1)


def _write_chunks(
    writer: _Writer, segments: tuple[Segment, ...], extension: str, unsent: int
) -> None:
    chunks = list(chunked(segments))
    for chunk in chunks:
        more = unsent if chunk is chunks[-1] else 0
        size = sum(len(segment.data) for segment in chunk) + more
        line = b"%x%b\r\n" % (size, _extension(extension)) if size else b""
        for number, segment in enumerate(chunk):
            if number == 0 and segment.in_head and line:
                writer.put(line[:1])
                line = line[1:]
            if segment.new_send and (size or not segment.in_head):
                writer.flush()
            writer.wait(segment.wait)
            writer.put(line if number == 0 else b"")
            writer.put(segment.data)
        writer.put(b"\r\n" if size and not more else b"")


def _write_end(writer: _Writer, bent: Bent, head: Head, trailers: Fields) -> None:
    if bent.how == "complete":
        writer.put(b"0")
        if (len(bent.body), "head") in bent.cuts:
            writer.flush()  # the last chunk has a size line too
        lines = "".join(f"{name}: {value}\r\n" for name, value in trailers)
        writer.put(_extension(head.extension) + f"\r\n{lines}\r\n".encode("latin-1", "replace"))
    elif bent.in_head:
        writer.put(b"1")  # a size line without its end: no size can be known from it


def _extension(text: str) -> bytes:
    return f";{text}".encode() if text else b""


def _close(bent: Bent, framing: Framing) -> Close:
    match bent.how:
        case "complete":
            return Close("fin", whole=True) if framing == "close" else Close("keep")
        case "fin" | "short" | "goaway":
            return Close("fin")
        case "reset" | "rst-stream":
            return Close("reset")
        case _:
            return Close("open")
