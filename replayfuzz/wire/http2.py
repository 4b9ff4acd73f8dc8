"""HTTP/2 responses as frames, with the boundaries inside them told, not left to a library.

RFC 9113 section 4.1 (frame format), section 6.1 (DATA) and section 8.1 (message framing).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from replayfuzz.cassette import Exchange, Fields
from replayfuzz.plan import Head, Plan
from replayfuzz.wire.bend import Bent, bend, bodiless
from replayfuzz.wire.head import response_fields
from replayfuzz.wire.script import FRAME_HEADER, Close, Frame, Script, Step, Wait
from replayfuzz.wire.segments import Segment, chunked, segments_of, told_length

MAX_PAYLOAD = 16_384
"""Bytes; what every peer has to accept (SETTINGS_MAX_FRAME_SIZE, section 4.2)."""

IN_HEADER = 4
"""Where a boundary inside a frame header lies: length and type have come, not the stream."""

INTERNAL_ERROR = 2
"""Error code (section 7) of every RST_STREAM and GOAWAY that ends a stream."""

# Section 8.2.2: connection-specific fields make a message malformed; the framing has no length.
_NOT_HTTP2 = {
    *("connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"),
    *("content-length", "te", "trailer"),
}


def render(exchange: Exchange, plan: Plan, bent: Bent | None = None) -> Script:
    """Turn a recorded exchange and a plan into the frames to perform.

    As ``wire.http1.render``: HEADERS and the first DATA are one segment unless there is a
    boundary at byte 0. A chunk is a DATA frame; one that is too long for a frame is several.

    Raises:
        PlanError: The plan does not fit the recorded body.
    """
    bent = bent or bend(exchange, plan)
    status = plan.head.status or exchange.status
    segments = segments_of(bent, plan.head)
    fields = _fields(response_fields(exchange, plan.head))
    if bent.how == "short":
        fields = (*fields, ("content-length", str(told_length(bent, segments, plan.head))))
    head = Frame("headers", fields=((":status", str(status)), *fields))
    if bodiless(status):
        if status < 200:  # an interim response; the final one never comes (section 8.1)
            return Script((head, Close("open")))
        return Script((Frame("headers", fields=head.fields, last=True), Close("keep")))
    writer = _Writer(head, plan.head)
    for chunk in chunked(segments):
        writer.put(chunk)
    writer.end(bent, _fields(plan.head.trailers or exchange.trailers))
    return Script((*writer.steps, _close(bent)))


def message_end(
    exchange: Exchange, plan: Plan, bent: Bent
) -> Literal["complete", "incomplete", "open"]:
    """As ``wire.message_end``: only END_STREAM completes a message (section 8.1)."""
    status = plan.head.status or exchange.status
    if bodiless(status):
        return "open" if status < 200 else "complete"
    match bent.how:
        case "complete":
            return "complete"
        case "stall" | "open":
            return "open"
        case _:
            return "incomplete"


def _fields(lines: Fields) -> Fields:
    """Names in lower case, values without spaces around them (section 8.2.1)."""
    named = ((name.lower(), value.strip()) for name, value in lines)
    return tuple(line for line in named if line[0] not in _NOT_HTTP2)


def _close(bent: Bent) -> Close:
    match bent.how:
        case "complete" | "short" | "rst-stream":
            return Close("keep")
        case "fin" | "goaway":
            return Close("fin")
        case "reset":
            return Close("reset")
        case _:
            return Close("open")


class _Writer:
    """Turns chunks into DATA frames. A boundary behind the last byte of a frame is the next's."""

    def __init__(self, head: Frame, asked: Head) -> None:
        self.steps: list[Step] = [head]
        self._asked = asked
        self._room = MAX_PAYLOAD - (0 if asked.pad is None else 1 + asked.pad)
        self._before = FRAME_HEADER + (asked.pad is not None)  # bytes of a frame before its payload
        self._cuts: set[int] = set()  # of the frame that comes next: 0, IN_HEADER
        self._boundary = False  # the last chunk has no bytes: what ends the message is apart

    def put(self, chunk: list[Segment]) -> None:
        """One chunk: its frames and the waits before its segments."""
        first = chunk[0]
        if first.wait > 0:
            self.steps.append(Wait(first.wait))
        if first.new_send and (not first.in_head or first.wait > 0):
            self._cuts.add(0)
        if first.in_head:
            self._cuts.add(IN_HEADER)
        data = b"".join(segment.data for segment in chunk)
        edges, at = [], 0
        for segment in chunk:
            if at and segment.new_send:
                edges.append(at)
            at += len(segment.data)
        for start in range(0, len(data), self._room):
            payload = data[start : start + self._room]
            after = start + len(payload)
            here = [edge - start for edge in edges if edge < after or after == len(data)]
            self._data(payload, here)
        self._boundary = not data

    def _data(self, payload: bytes, edges: list[int], *, last: bool = False) -> None:
        """Append one DATA frame; *edges* are boundaries as offsets in its payload."""
        before = self._before
        padding = self._asked.pad or 0
        cuts = self._cuts | {0 for edge in edges if edge == 0}
        self._cuts = set()
        for edge in edges:
            if 0 < edge < len(payload) + bool(padding):
                cuts.add(before + edge)
            elif edge == len(payload):
                self._cuts.add(0)
        self.steps.append(Frame("data", payload, (), self._asked.pad, last, tuple(sorted(cuts))))

    def end(self, bent: Bent, trailers: Fields) -> None:
        """What ends the message, or leaves it unfinished."""
        match bent.how:
            case "complete" if trailers:
                cuts = tuple(sorted(self._cuts))
                self.steps.append(Frame("trailers", fields=trailers, last=True, cuts=cuts))
            case "complete":
                self._end_stream()
            case "short":
                # Malformed (section 8.1.1), and seen only when all content has been read.
                self._cuts.add(0)
                self._data(b"", [], last=True)
            case "rst-stream":
                self.steps.append(Frame("rst-stream", code=INTERNAL_ERROR))
            case "goaway":
                self.steps.append(Frame("goaway", code=INTERNAL_ERROR))
            case _:
                self._break_off(bent)

    def _end_stream(self) -> None:
        last = self.steps[-1]
        apart = self._boundary or self._asked.empty_end
        if isinstance(last, Frame) and last.kind == "data" and not apart:
            self.steps[-1] = replace(last, last=True)
        else:
            self._data(b"", [], last=True)

    def _break_off(self, bent: Bent) -> None:
        """One more DATA frame, of which no payload comes, where the end is inside a frame.

        All content is in whole frames: a reader may throw away a frame that never ends.
        """
        if bent.in_head or bent.in_chunk:
            missing = min(max(bent.full - len(bent.body), 1), self._room)
            stop = IN_HEADER if bent.in_head else self._before
            cuts = tuple(self._cuts & {0})
            self.steps.append(
                Frame("data", bytes(missing), (), self._asked.pad, cuts=cuts, stop=stop)
            )
