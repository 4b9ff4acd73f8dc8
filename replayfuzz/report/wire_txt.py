"""wire.txt: what goes over the wire, send by send, with offsets, hex and text."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.finding import Finding
from replayfuzz.report.human import about
from replayfuzz.report.marks import marked, plain
from replayfuzz.wire import Close, Send, Wait, render

_CLOSES = {
    "keep": "the message is complete; the connection stays open for the next request",
    "fin": "close the connection (FIN)",
    "reset": "reset the connection (RST)",
    "open": "send nothing more; leave the connection open",
}


def wire_txt(finding: Finding) -> str:
    """The body with its boundaries marked, then every send of the script as a hex dump."""
    return "\n".join([*_lines(finding), ""])


def _lines(finding: Finding) -> Iterator[str]:
    yield f"# {finding.id}: {plain(finding.target)} {plain(finding.version)}"
    for words in finding.words:
        yield f"# bend: {plain(words)}"
    yield ""
    yield f"## Body, one event a line {about(finding)}"
    yield ""
    yield from marked(finding.bent)
    yield ""
    yield "## On the wire: offset in the response, bytes, text; each send is one read of the peer"
    at = 0
    for step in render(finding.exchange, finding.plan).steps:
        yield ""
        match step:
            case Send(data=data):
                yield f"-> send {len(data)} bytes"
                yield from dump(data, at)
                at += len(data)
            case Wait(seconds=seconds):
                yield f".. wait {seconds:g} s"
            case Close(how=how):
                yield f"xx {_CLOSES[how]}"


def dump(data: bytes, at: int) -> Iterator[str]:
    """Lines of 16 bytes: offset in hex (from *at*), bytes in hex, printable ASCII."""
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{at + start:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {text}"
