"""Cassette -> VCR YAML text, made to be read in a diff."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replayfuzz.cassette.values import (
    NOT_HTTP1,
    Cassette,
    Exchange,
    Fields,
    Request,
    chunks_fault,
)
from replayfuzz.cassette_yaml import block, scalar, wrapped
from replayfuzz.errors import CassetteError

_WIDTH = 100  # of a line that can be broken


def dump(cassette: Cassette) -> str:
    """Write a cassette as text that ``parse`` and VCR.py read.

    ``parse(dump(c), file=c.name)`` has equal exchanges, but for three things that the
    form cannot tell: names follow the file, no chunks are one chunk, and field lines of
    one name stand together (RFC 9110 section 5.3: the order of lines with differing
    names is not significant).

    Raises:
        CassetteError: Chunks do not add up to the body, or a text is not Unicode.
    """
    lines = ["interactions:"]
    for exchange in cassette.exchanges:
        fault = exchange.chunks and chunks_fault(exchange)
        if fault:
            raise CassetteError(f"chunks of {exchange.name} {fault}", file=cassette.name)
        lines.extend(_request_lines(exchange.request))
        lines.extend(_response_lines(exchange))
        lines.extend(_stream_lines(exchange))
    # Last, where VCR.py has it too: a file that was cut off anywhere is seen to be.
    text = "\n".join((*lines, "version: 1", ""))
    if found := re.search("[\ud800-\udfff]", text):
        raise CassetteError(
            f"holds the lone surrogate U+{ord(found[0]):04X} outside a body, which no text "
            "file can hold; decode field lines as latin-1",
            file=cassette.name,
        )
    return text


def _request_lines(request: Request) -> Iterator[str]:
    yield "- request:"
    yield f"    method: {scalar(request.method)}"
    yield f"    uri: {scalar(request.url)}"
    yield f"    body:{block(request.body, 6)}"
    yield from _field_lines("headers", request.fields)


def _response_lines(exchange: Exchange) -> Iterator[str]:
    yield "  response:"
    yield f"    status: {{code: {exchange.status}, message: {scalar(exchange.reason)}}}"
    yield from _field_lines("headers", exchange.fields)
    yield "    body:"
    yield f"      string:{block(exchange.body, 8)}"


def _stream_lines(exchange: Exchange) -> Iterator[str]:
    yield "  stream:"
    yield f"    dialect: {scalar(exchange.dialect)}"
    yield f"    protocol: {exchange.protocol}"
    yield f"    framing: {exchange.framing or NOT_HTTP1}"
    chunks = exchange.chunks or (((0.0, len(exchange.body)),) if exchange.body else ())
    shown = (f"[{float(seconds)!r}, {length}]" for seconds, length in chunks)
    yield f"    chunks: {wrapped(shown, 6, _WIDTH)}"
    yield f"    ending: {exchange.ending}"
    yield from _field_lines("trailers", exchange.trailers)
    yield from _origin_lines(exchange.origin)


def _origin_lines(origin: Fields) -> Iterator[str]:
    told = [f"{scalar(key)}: {scalar(value)}" for key, value in origin]
    line = f"    origin: {{{', '.join(told)}}}"
    if len(line) <= _WIDTH:
        yield line
    else:
        yield "    origin:"
        yield from (f"      {item}" for item in told)


def _field_lines(key: str, fields: Fields) -> Iterator[str]:
    lists: dict[str, list[str]] = {}
    spelt: dict[str, str] = {}
    for name, value in fields:
        lists.setdefault(spelt.setdefault(name.lower(), name), []).append(scalar(value))
    yield f"    {key}:" + ("" if lists else " {}")
    for name, values in lists.items():
        shown = scalar(name)
        # YAML 1.1 section 9.3.2: a key before its colon has at most 1024 characters.
        mark = f"{shown}:" if len(shown) < 1000 else f"? {shown}\n      :"
        yield f"      {mark} [{', '.join(values)}]"
