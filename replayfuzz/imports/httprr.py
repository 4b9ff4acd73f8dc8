"""httprr traces, the text files that tests of Go programs replay (golang.org/x/oscar's httprr).

``httprr trace v1``, then for each exchange a line with two sizes, the request and the
response, both as HTTP/1.1 messages. Some versions leave a bare LF at the end of a field line.
"""

from __future__ import annotations

import re

from replayfuzz.cassette import Fields, Request
from replayfuzz.errors import CassetteError
from replayfuzz.formats.response import ResponseReader
from replayfuzz.imports.found import Found, Left, Recording

FIRST = b"httprr trace v"

_SIZES = re.compile(rb"([0-9]{1,12}) ([0-9]{1,12})\r?\n")
_HEAD = re.compile(rb"\r?\n\r?\n")


def httprr(data: bytes, *, file: str) -> Recording:
    """Read a trace.

    Raises:
        CassetteError: It is of another version, or its sizes do not fit.
    """
    line, _, _ = data.partition(b"\n")
    version = line.strip().removeprefix(FIRST)
    if version != b"1":
        raise CassetteError(
            f"is a trace of version {version[:20].decode('latin-1')!r}; only version 1 is known",
            file=file,
            line=1,
        )
    items: list[Found | Left] = []
    at = len(line) + 1
    while at < len(data):
        sizes = _SIZES.match(data, at)
        asked, answered = (int(sizes[1]), int(sizes[2])) if sizes else (0, 0)
        start = sizes.end() if sizes else at
        end = start + asked + answered
        where = f"exchange {len(items)}"
        if not sizes or end > len(data):
            items.append(
                Left(
                    where, f"{file}: the sizes at byte {at} do not fit; the file was cut or edited"
                )
            )
            break
        items.append(_exchange(data[start : start + asked], data[start + asked : end], where, file))
        at = end
    return Recording("httprr", tuple(items))


def _exchange(asked: bytes, answered: bytes, where: str, file: str) -> Found | Left:
    reader = ResponseReader()
    body = reader.receive(answered)
    reader.end()
    if not reader.whole:
        why = reader.fault or "it ends early"
        return Left(where, f"{file}: the response of {where} is not HTTP/1.1: {why}")
    head = _HEAD.search(asked)
    lines = asked[: head.start() if head else len(asked)].decode("latin-1").splitlines()
    method, _, rest = (lines or [""])[0].partition(" ")
    url = rest.rpartition(" ")[0]
    fields = _fields(lines[1:])
    return Found(
        where,
        Request(method or "GET", url, fields, asked[head.end() :] if head else b""),
        reader.status,
        _reason(answered),
        reader.fields,
        body,
    )


def _reason(answered: bytes) -> str:
    line = answered.partition(b"\n")[0].decode("latin-1").split(maxsplit=2)
    return line[2].strip() if len(line) > 2 else ""


def _fields(lines: list[str]) -> Fields:
    found = (line.partition(":") for line in lines)
    return tuple((name.strip(), value.strip()) for name, colon, value in found if colon)
