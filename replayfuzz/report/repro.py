"""repro.py: a program that serves one finding's stream, and says what to run against it.

The program lives in ``report.programs``; what is particular to a finding is put on top of it as
Python literals.
"""

from __future__ import annotations

from replayfuzz.finding import Finding
from replayfuzz.report import handover
from replayfuzz.report.causes import why
from replayfuzz.report.marks import plain, spell
from replayfuzz.report.programs import HTTP1, HTTP2, IMPORTS, LISTEN, MAIN, SHARED, TOO_LONG
from replayfuzz.report.snippets import OVER_HTTP2, requirements, snippet
from replayfuzz.wire import Close, Frame, Send, Wait, render
from replayfuzz.wire.http2 import MAX_PAYLOAD

WINDOW = 65_535
"""Bytes of DATA that a peer takes without a WINDOW_UPDATE (RFC 9113 section 6.9.2)."""

_PREFIX = 127  # a length in HPACK that 7 bits do not hold

FrameStep = tuple[int, int, bytes, tuple[int, ...], int | None]
"""Type, flags, payload, boundaries in the coded frame, and where it breaks off."""

Steps = list[tuple[str, bytes | float | str | FrameStep]]


def repro(finding: Finding) -> str:
    """The text of repro.py; it runs with any Python from 3.9 on, and needs nothing else.

    ``python3 repro.py [PORT]`` serves the finding's sends, each to be read on its own.
    ``python3 repro.py --run [PYTHON]`` also runs the library under test against them.
    A stream over HTTP/2 is served without TLS, to be asked for by curl; one that needs flow
    control names the command that plays it instead.
    """
    if finding.start:
        return _of_daemon(finding)
    variant = finding.variants[0] if finding.variants else ""
    framed = finding.exchange.protocol == "h2"
    requires = "" if framed else requirements(finding.target, finding.version)
    code = OVER_HTTP2 if framed else snippet(finding.target, variant).code
    steps = _steps(finding)
    told = f"REQUIRES = {requires!a}\nSNIPPET = {code!a}\n"
    return _text(finding, IMPORTS, told, _program(steps, MAIN, framed=framed), steps)


def _of_daemon(finding: Finding) -> str:
    """``python3 repro.py --run`` starts the daemon, hands a client over, and shows what it gets;
    ``python3 repro.py SOCKET`` does so with one that runs, and calls the port that is served.
    """
    steps = _steps(finding)
    program = _program(steps, handover.MAIN, framed=finding.exchange.protocol == "h2")
    return _text(finding, IMPORTS + handover.IMPORTS, handover.values(finding), program, steps)


def _text(finding: Finding, imports: str, told: str, program: str, steps: Steps) -> str:
    listed = "".join(f"    {step!r},\n" for step in steps if program is not TOO_LONG)
    return (
        f'"""{_docstring(finding)}\n"""\n\n{imports}\n'
        f"ABOUT = {_about(finding)!a}\n{told}"
        f"STEPS = [\n{listed}]\n{program}"
    )


def _program(steps: Steps, main: str, *, framed: bool) -> str:
    sizes = [len(value[2]) for _, value in steps if isinstance(value, tuple)]
    if sum(sizes) > WINDOW or max(sizes, default=0) > MAX_PAYLOAD:
        return TOO_LONG
    return SHARED + (HTTP2 if framed else HTTP1) + LISTEN + main


def _steps(finding: Finding) -> Steps:
    steps: Steps = []
    for step in render(finding.exchange, finding.plan).steps:
        match step:
            case Send(data=data):
                steps.append(("send", data))
            case Frame():
                steps.append(("frame", _coded(step)))
            case Wait(seconds=seconds):
                steps.append(("wait", seconds))
            case Close(how=how):
                steps.append(("close", how))
    return steps


_KINDS = {"headers": 1, "data": 0, "trailers": 1, "rst-stream": 3, "goaway": 7}
_END_STREAM, _END_HEADERS, _PADDED = 0x1, 0x4, 0x8


def _coded(frame: Frame) -> FrameStep:
    """A frame as the program takes it: all but the stream (RFC 9113 section 6)."""
    flags, payload = _END_STREAM if frame.last else 0, frame.data
    if frame.fields:
        flags |= _END_HEADERS
        payload = b"".join(b"\0" + _string(name) + _string(value) for name, value in frame.fields)
    elif frame.kind in ("rst-stream", "goaway"):
        payload = frame.code.to_bytes(4, "big")
    elif frame.pad is not None:
        flags |= _PADDED
        payload = bytes([frame.pad]) + payload + bytes(frame.pad)
    return _KINDS[frame.kind], flags, payload, frame.cuts, frame.stop


def _string(text: str) -> bytes:
    """A string literal of HPACK, not Huffman-coded (RFC 7541 sections 5.1 and 5.2)."""
    data = text.encode("latin-1", "replace")
    size, more = len(data), b""
    if size >= _PREFIX:
        size, rest = _PREFIX, size - _PREFIX
        while rest >= 1 << 7:
            more += bytes([rest % (1 << 7) + (1 << 7)])
            rest >>= 7
        more += bytes([rest])
    return bytes([size]) + more + data


def _about(finding: Finding) -> str:
    who = f"{finding.target} {finding.version}".strip()
    paths = f" ({', '.join(finding.variants)})" if finding.variants else ""
    rows = [
        f"{who}{paths} breaks {finding.invariant}: {finding.requirement}",
        f"source:   {finding.source}",
        f"bend:     {'; '.join(finding.words) or 'none'}",
        *([f"hand-off: {handover.handed(finding)}"] if finding.start else []),
        *([f"because:  {'; '.join(finding.clauses)}"] if finding.clauses else []),
        *([f"cause:    {'; '.join(map(why, finding.causes))}"] if finding.causes else []),
        f"expected: {finding.expected}",
        f"observed: {finding.observed}",
    ]
    return "\n".join(plain(row) for row in rows)


def _docstring(finding: Finding) -> str:
    """ASCII only, no backslash and no quotes that could end it."""
    text = spell(_about(finding).splitlines()[0].encode()).replace("\\", "/").replace('"', "'")
    return f"{text}\n\nWritten by replayfuzz ({finding.id}). Standard library only."
