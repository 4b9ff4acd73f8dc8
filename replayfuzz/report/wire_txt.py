"""wire.txt: what goes over the wire, send by send, with offsets, hex and text."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.finding import Finding
from replayfuzz.report.handover import NOTHING, handed
from replayfuzz.report.human import about
from replayfuzz.report.marks import marked, plain
from replayfuzz.wire import Close, Frame, Send, Wait, render
from replayfuzz.wire.script import FRAME_HEADER

_CLOSES = {
    "keep": "that is all; the connection stays open for the next request",
    "fin": "close the connection (FIN)",
    "reset": "reset the connection (RST)",
    "open": "send nothing more; leave the connection open",
}
_HOW_TO_READ = {
    False: "offset in the response, bytes, text; each send is one read of the peer",
    True: "HTTP/2 frames; offset in the content, bytes, text; each segment is one read of the "
    "peer, -> begins one, +> goes on in the same",
}


def wire_txt(finding: Finding) -> str:
    """The body with its boundaries marked, then every send of the script as a hex dump."""
    return "\n".join([*_lines(finding), ""])


def _lines(finding: Finding) -> Iterator[str]:
    yield f"# {finding.id}: {plain(finding.target)} {plain(finding.version)}"
    for words in finding.words:
        yield f"# bend: {plain(words)}"
    yield ""
    yield from _handed(finding)
    yield f"## Body, one event a line {about(finding)}"
    yield ""
    yield from marked(finding.bent)
    yield ""
    script = render(finding.exchange, finding.plan)
    yield f"## On the wire: {_HOW_TO_READ[bool(script.frames)]}"
    at = 0
    for step in script.steps:
        yield ""
        match step:
            case Send(data=data):
                yield f"-> send {len(data)} bytes"
                yield from folded(data, at)
                at += len(data)
            case Frame():
                yield from _frame(step, at)
                at += len(step.sent)
            case Wait(seconds=seconds):
                yield f".. wait {seconds:g} s"
            case Close(how=how):
                yield f"xx {_CLOSES[how]}"


def _handed(finding: Finding) -> Iterator[str]:
    """What the daemon was given, before its upstream sends anything."""
    if not (how := handed(finding)):
        return
    yield f"## Hand-off: {plain(how)}"
    yield ""
    payload = finding.plan.handoff.payload
    if payload is not None:
        yield f"-> one message of {len(payload or NOTHING)} bytes"
        yield from folded(payload or NOTHING, 0)
        yield ""


_KINDS = {
    "headers": "HEADERS",
    "data": "DATA",
    "trailers": "HEADERS",
    "rst-stream": "RST_STREAM",
    "goaway": "GOAWAY",
}


def _frame(frame: Frame, at: int) -> Iterator[str]:
    """A frame: its type, size and flags, then its fields or its payload, parted where it is cut."""
    words = [_KINDS[frame.kind]]
    if frame.kind == "data":
        words.append(f"{len(frame.data)} bytes")
    if frame.pad is not None:
        words.append(f"PADDED with {frame.pad}")
    if frame.last:
        words.append("END_STREAM")
    if frame.code:
        words.append(f"error code {frame.code}")
    arrow = "->" if 0 in frame.cuts else "+>"
    yield f"{arrow} {', '.join(words)}"
    for name, value in frame.fields:
        yield f"   {plain(name)}: {plain(value)}"
    yield from _payload(frame, at)
    if frame.stop is not None:
        yield f"   of this frame only the first {frame.stop} bytes are sent"


def _payload(frame: Frame, at: int) -> Iterator[str]:
    begins = FRAME_HEADER + (frame.pad is not None)
    data, done = frame.sent, 0
    for cut in frame.cuts:
        if 0 < cut < begins or (cut and frame.kind != "data"):
            yield f"-- a new segment after {cut} bytes of the frame"
        elif cut:
            yield from folded(data[done : cut - begins], at + done)
            done = cut - begins
            yield "-- a new segment"
    yield from folded(data[done:], at + done)


def dump(data: bytes, at: int) -> Iterator[str]:
    """Lines of 16 bytes: offset in hex (from *at*), bytes in hex, printable ASCII."""
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at + start:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {text}"


def folded(data: bytes, at: int) -> Iterator[str]:
    """The same with ``*`` for lines that hold what the one above does, as ``hexdump -C`` has it.

    The last line is always there.
    """
    rows = list(dump(data, at))
    for number, row in enumerate(rows):
        again = 0 < number < len(rows) - 1 and row[_OFFSET:] == rows[number - 1][_OFFSET:]
        if not again:
            yield row
        elif number == 1 or rows[number - 2][_OFFSET:] != row[_OFFSET:]:
            yield "*"


_OFFSET = 8  # characters
