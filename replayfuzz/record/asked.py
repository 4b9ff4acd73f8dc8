"""A client's request, made ready for the upstream."""

from __future__ import annotations

import re

from replayfuzz import mock
from replayfuzz.cassette import Fields
from replayfuzz.formats.chunks import Head
from replayfuzz.record.answers import Ask
from replayfuzz.record.upstream import Upstream
from replayfuzz.transcript import Speaks
from replayfuzz.wire.request import Incoming

# RFC 9110 section 7.6.1: these are for one connection only.
_HOP = {
    *("connection", "proxy-connection", "keep-alive", "te", "transfer-encoding", "upgrade"),
    *("proxy-authorization", "proxy-authenticate"),
}
# What we say anew; the body is whole when it goes on, so nobody has to be asked for it.
_ANEW = {"host", "content-length", "expect"}
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def ask(request: Incoming, protocol: Speaks, upstream: Upstream) -> Ask:
    """*request* as the upstream gets it: end-to-end fields only, with its own Host."""
    lines = _lines(request.raw)
    dropped = _HOP | _ANEW | _named(lines)
    path = _ABSOLUTE.sub("", request.target, count=1)
    return Ask(
        method=request.method,
        scheme="https" if upstream.tls else "http",
        authority=upstream.authority,
        path=upstream.base + (path if path.startswith(("/", "*")) else f"/{path}"),
        fields=tuple(line for line in lines if line[0].lower() not in dropped),
        body=mock.read(request.raw, protocol).body,
        trailers=any(name.lower() == "te" and "trailers" in told.lower() for name, told in lines),
    )


def passed(head: Head) -> Fields:
    """The fields of an answer that go on to the client; those of the framing are not among them."""
    dropped = _HOP | _named(head.fields)
    return tuple(line for line in head.fields if line[0].lower() not in dropped)


def _named(fields: Fields) -> set[str]:
    """Fields that Connection names."""
    told = ",".join(value for name, value in fields if name.lower() == "connection")
    return {name.strip().lower() for name in told.split(",")} - {"", "content-length"}


def _lines(raw: bytes) -> Fields:
    head = raw.partition(b"\r\n\r\n")[0].decode("latin-1")
    found = []
    for line in head.split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon and name.strip():
            found.append((name.strip(), value.strip(" \t")))
    return tuple(found)
