"""The cassettes of VCR.py, Ruby's VCR and go-vcr: one family of forms, told apart by their keys.

VCR.py: ``interactions`` and ``version: 1``, YAML or JSON. Ruby's VCR (webmock, faraday, …):
``http_interactions`` and ``recorded_with``, YAML or JSON. go-vcr v3 and v4: ``version: 2``.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from replayfuzz.cassette import Fields, Request
from replayfuzz.cassette_yaml import Item, pairs
from replayfuzz.errors import CassetteError
from replayfuzz.imports.found import Found, Left, Recording

_OWN = (
    "holds a 'stream', so it is a cassette of replayfuzz already; name it with "
    "--cassettes, there is nothing to import"
)


def tape(root: Item) -> Recording:
    """Read a tape of any of the three tools.

    Raises:
        CassetteError: It is none of theirs, or of a version that is not known.
    """
    keys = root.mapping() if isinstance(root.value, dict) else {}
    if "http_interactions" in keys:
        return _each(keys["http_interactions"], _recorder(keys), _ruby)
    if "interactions" not in keys:
        raise root.fault(
            "is no recording that is known: it has neither 'interactions' (VCR.py, go-vcr), nor "
            "'http_interactions' (Ruby VCR), nor 'log' (HAR)"
        )
    version = keys["version"].text() if "version" in keys else "none"
    listed = keys["interactions"]
    match version:
        case "1" if any("stream" in one.mapping() for one in listed.items()):
            raise listed.fault(_OWN)
        case "1" if _is_old_go(listed):
            raise keys["version"].fault("is that of go-vcr v1 or v2; migrate it with go-vcr v3")
        case "1":
            return _each(listed, "VCR.py", _vcrpy)
        case "2":
            return _each(listed, "go-vcr", _go)
        case _:
            what = "has no 'version'" if version == "none" else f"is {version[:20]}"
            raise keys.get("version", root).fault(
                f"{what}; known are 1 (VCR.py) and 2 (go-vcr v3 and v4). Where the file was cut "
                "off, restore it; where a newer tool wrote it, write it with an older one"
            )


def _is_old_go(listed: Item) -> bool:
    """Before v3 go-vcr wrote version 1 too, with ``url`` where VCR.py has ``uri``."""
    return any("url" in _part(one, "request").mapping() for one in listed.items()[:1])


def _recorder(keys: dict[str, Item]) -> str:
    told = keys["recorded_with"].text() if "recorded_with" in keys else "VCR"
    return f"Ruby {told}"[:60]


def _each(listed: Item, tool: str, read: Callable[[Item, str], Found]) -> Recording:
    found: list[Found | Left] = []
    for number, item in enumerate(listed.items()):
        where = f"interaction {number}"
        try:
            found.append(read(item, where))
        except CassetteError as error:
            found.append(Left(where, str(error)))
    return Recording(tool, tuple(found))


def _vcrpy(item: Item, where: str) -> Found:
    asked, answer = _part(item, "request"), _part(item, "response")
    keys = answer.mapping()
    if "status_code" in keys:  # as VCR.py before 5 wrote what httpx got
        code = keys["status_code"].whole(100, 999)
        reason, body = _phrase(code), _part(answer, "content").data()
    else:
        status = _part(answer, "status")
        code = _part(status, "code").whole(100, 999)
        reason, body = _text(status, "message"), _vcrpy_body(_part(answer, "body"))
    return Found(
        where,
        _request(asked, _part(asked, "uri").text()),
        code,
        reason,
        _fields(answer),
        body,
    )


def _request(asked: Item, url: str) -> Request:
    method, body = _part(asked, "method").text().upper(), _sent(asked.mapping().get("body"))
    return Request(method, url, _fields(asked), body)


def _vcrpy_body(item: Item) -> bytes:
    if isinstance(item.value, str):  # aiohttp once, and files edited by hand
        return item.data()
    keys = item.mapping()
    if "base64_string" in keys:
        return _base64(keys["base64_string"])
    return _part(item, "string").data()


def _sent(item: Item | None) -> bytes:
    if item is None or item.is_null:
        return b""
    if isinstance(item.value, dict):
        return _encoded(item)
    if isinstance(item.value, tuple):
        raise item.fault("is a list of form fields or parts, which gives no exact bytes")
    return item.data()


def _ruby(item: Item, where: str) -> Found:
    asked, answer = _part(item, "request"), _part(item, "response")
    status = _part(answer, "status")
    return Found(
        where,
        _request(asked, _part(asked, "uri").text()),
        _part(status, "code").whole(100, 999),
        _text(status, "message"),
        _fields(answer),
        _encoded(_part(answer, "body")),
        at=_text(item, "recorded_at"),
    )


def _encoded(item: Item) -> bytes:
    """A body of Ruby's VCR: its bytes are those of a text in ``encoding``, or base64."""
    keys = item.mapping()
    if "base64_string" in keys:
        return _base64(keys["base64_string"])
    held = _part(item, "string")
    if held.binary:
        return held.data()
    name = _text(item, "encoding").upper()
    if name in {"", "UTF-8", "US-ASCII", "ASCII-8BIT", "BINARY"}:
        return held.data()
    try:
        return held.text().encode(name)
    except (LookupError, UnicodeError) as error:
        raise held.fault(f"cannot be written in its encoding {name[:20]!r}") from error


def _go(item: Item, where: str) -> Found:
    asked, answer = _part(item, "request"), _part(item, "response")
    code = _part(answer, "code").whole(100, 999)
    host = _text(asked, "host")
    fields = _fields(asked)
    if host and all(name.lower() != "host" for name, _ in fields):
        fields = (("Host", host), *fields)
    second = _text(answer, "proto_major") == "2"
    unzipped = _text(answer, "uncompressed") == "true"
    return Found(
        where,
        replace(
            _request(asked, _part(asked, "url").text()),
            method=_part(asked, "method").text().upper() or "GET",
            fields=fields,
        ),
        code,
        _text(answer, "status").removeprefix(f"{code}").strip(),
        _fields(answer) + _go_coding(answer),
        _part(answer, "body").data(),
        protocol="h2" if second else "http/1.1",
        # Go's transport takes the coding and its header field away where it asked for it itself.
        content="decoded" if unzipped else "either",
        trailers=tuple(pairs(answer.mapping()["trailer"])) if "trailer" in answer.mapping() else (),
    )


def _go_coding(answer: Item) -> Fields:
    """Go takes the field out of the head."""
    listed = answer.mapping().get("transfer_encoding")
    names = [each.text() for each in listed.items()] if listed else []
    return (("Transfer-Encoding", ", ".join(names)),) if names else ()


def _part(item: Item, key: str) -> Item:
    found = item.mapping().get(key)
    if found is None:
        raise item.fault(f"has no {key!r}, so the exchange is not whole; record it again")
    return found


def _text(item: Item, key: str) -> str:
    found = item.mapping().get(key)
    return found.text() if found else ""


def _fields(item: Item) -> Fields:
    headers = item.mapping().get("headers")
    return tuple(pairs(headers)) if headers and not headers.is_null else ()


def _base64(item: Item) -> bytes:
    try:
        return base64.b64decode("".join(item.text().split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise item.fault(f"is not base64 ({error}); restore it or record again") from error


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return ""
