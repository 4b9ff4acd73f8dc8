"""A bare body, saved by ``curl -N … > file.sse`` or out of a log: no head, no request."""

from __future__ import annotations

from pathlib import PurePath

from replayfuzz.cassette import Request
from replayfuzz.errors import CassetteError
from replayfuzz.imports.found import Found, Recording
from replayfuzz.imports.guess import shape

_TYPES = {
    ".sse": "text/event-stream",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
}
_BY_SHAPE = {
    "sse": "text/event-stream",
    "ndjson": "application/x-ndjson",
    "aws-event-stream": "application/vnd.amazon.eventstream",
}


def raw(data: bytes, coded: bytes, *, file: str) -> Recording:
    """Take *data* as the body of a response.

    Args:
        data: The body, decoded.
        coded: The same as it is in the file, where that is gzip; else b"".
        file: Its name tells the content type, where it has one.

    Raises:
        CassetteError: Neither its name nor how it begins tell what it is.
    """
    suffixes = PurePath(file).suffixes
    by_name = next((_TYPES[each] for each in reversed(suffixes) if each in _TYPES), "")
    type_ = by_name or _BY_SHAPE.get(shape(data), "")
    if not type_:
        raise CassetteError(
            "is no recording that is known: VCR.py, Ruby VCR, go-vcr, httprr, HAR, mitmproxy "
            "flows; and it begins as no bare body: server-sent events, JSON lines, AWS event "
            "stream. Name it .sse or .ndjson if it is one",
            file=file,
        )
    coding = (("Content-Encoding", "gzip"),) if coded else ()
    found = Found(
        "the body",
        Request(),
        200,
        "OK",
        (("Content-Type", type_), *coding),
        coded or data,
        content="coded" if coded else "decoded",
    )
    return Recording("a bare body", (found,))
