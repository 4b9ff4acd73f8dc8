"""Flow files of mitmproxy (``mitmdump -w``), read without mitmproxy itself.

A file is a sequence of typed netstrings, one flow each. What is read here stands in the same
place in versions 4 (mitmproxy 4) to 21 (mitmproxy 11 and 12); later ones are refused.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import Any

from replayfuzz.cassette import Fields, Protocol, Request
from replayfuzz.errors import CassetteError
from replayfuzz.imports.found import Found, Left, Recording
from replayfuzz.imports.tnetstring import TnetError, values

VERSIONS = range(4, 22)
FIRST = re.compile(rb"[0-9]{1,12}:[0-9]{1,3}:[a-z_]+[;,]")
"""What a flow file starts with: the length of the first flow, and the first of its keys."""

_PORTS = {"http": 80, "https": 443}


def flows(data: bytes, *, file: str) -> Recording:
    """Read a flow file.

    Raises:
        CassetteError: Nothing of it can be read, or it is of a version that is not known.
    """
    items: list[Found | Left] = []
    try:
        for value in values(data):
            items.append(_flow(value, f"flow {len(items)}", file))
    except TnetError as error:
        why = f"{file}: is damaged: {error}; the flows before it are kept"
        items.append(Left(f"flow {len(items)}", why))
    return Recording("mitmproxy", tuple(items))


def _flow(value: Any, where: str, file: str) -> Found | Left:
    flow = value if isinstance(value, dict) else {}
    version = flow.get("version")
    if version not in VERSIONS:
        shown = ".".join(map(str, version)) if isinstance(version, list) else str(version)[:20]
        raise CassetteError(
            f"{where} is of flow format version {shown}; known are {VERSIONS[0]} to "
            f"{VERSIONS[-1]}. Export it from mitmproxy as HAR: mitmdump -nr FILE "
            "--set hardump=FILE.har",
            file=file,
        )
    if flow.get("type") not in {"http", b"http"}:
        return Left(where, f"{file}: {where} is no HTTP but {str(flow.get('type'))[:20]}")
    asked, answer = flow.get("request"), flow.get("response")
    if not isinstance(asked, dict) or not isinstance(answer, dict):
        error = flow.get("error")
        why = str(error.get("msg"))[:80] if isinstance(error, dict) else "it was not finished"
        return Left(where, f"{file}: {where} has no response: {why}")
    if answer.get("content") is None:
        return Left(where, f"{file}: {where} has no content: it was streamed past mitmproxy")
    try:
        return _found(asked, answer, where)
    except (KeyError, TypeError, ValueError) as error:
        return Left(where, f"{file}: {where} is not a whole flow ({error!r:.60})")


def _found(asked: dict[str, Any], answer: dict[str, Any], where: str) -> Found:
    spoken = _str(answer["http_version"]).upper()
    protocol: Protocol = "h2" if spoken in {"HTTP/2", "HTTP/2.0"} else "http/1.1"
    return Found(
        where,
        Request(
            _str(asked["method"]), _url(asked), _fields(asked["headers"]), asked["content"] or b""
        ),
        int(answer["status_code"]),
        _str(answer.get("reason") or ""),
        _fields(answer["headers"]),
        bytes(answer["content"]),
        protocol,
        trailers=_fields(answer.get("trailers") or []),
        at=_time(asked.get("timestamp_start")),
    )


def _url(asked: dict[str, Any]) -> str:
    scheme, host, port = _str(asked["scheme"]), _str(asked["host"]), int(asked["port"])
    place = f"[{host}]" if ":" in host else host
    told = "" if _PORTS.get(scheme) == port else f":{port}"
    return f"{scheme}://{place}{told}{_str(asked['path'])}"


def _fields(lines: Any) -> Fields:
    return tuple((_str(name), _str(value)) for name, value in lines)


def _str(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _time(seconds: Any) -> str:
    if not isinstance(seconds, int | float) or not math.isfinite(seconds):
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return ""
