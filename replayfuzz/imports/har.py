"""HTTP archives (HAR 1.1 and 1.2), as browsers, mitmproxy and Playwright export them.

A HAR holds each body decoded and whole, as text or base64: no boundary is in it.
"""

from __future__ import annotations

import base64
import binascii

from replayfuzz.cassette import Fields, Protocol, Request
from replayfuzz.cassette_yaml import Item
from replayfuzz.errors import CassetteError
from replayfuzz.imports.found import Found, Left, Recording

_KNOWN = ("", "1.1", "1.2", "1.3")


def har(root: Item) -> Recording:
    """Read a HAR.

    Raises:
        CassetteError: It is none, or of a version that is not known.
    """
    log = _at(root, "log")
    version = _text(log, "version")
    if version not in _KNOWN:
        raise log.fault(f"is of HAR version {version[:20]}; known are 1.1 to 1.3")
    creator = log.mapping().get("creator")
    tool = f"{_text(creator, 'name')} {_text(creator, 'version')}".strip() if creator else ""
    items: list[Found | Left] = []
    for number, entry in enumerate(_at(log, "entries").items()):
        where = f"entry {number}"
        try:
            items.append(_entry(entry, where))
        except CassetteError as error:
            items.append(Left(where, str(error)))
    return Recording(f"HAR of {tool}"[:60] if tool else "HAR", tuple(items))


def _entry(item: Item, where: str) -> Found:
    asked, answer = _at(item, "request"), _at(item, "response")
    url = _at(asked, "url").text()
    status = _text(answer, "status")
    if status in {"0", "-1", ""}:
        raise answer.fault(f"of {url[:80]} has status {status or 'none'}: the request failed")
    spoken = _text(answer, "httpVersion").lower()
    protocol: Protocol = "h2" if spoken in {"h2", "http/2", "http/2.0"} else "http/1.1"
    post = asked.mapping().get("postData")
    return Found(
        where,
        Request(
            _at(asked, "method").text().upper(),
            url,
            _fields(asked),
            _bytes(post) if post and not post.is_null else b"",
        ),
        _at(answer, "status").whole(100, 999),
        _text(answer, "statusText"),
        _fields(answer),
        _content(answer, url),
        protocol,
        content="decoded",
        at=_text(item, "startedDateTime"),
    )


def _content(answer: Item, url: str) -> bytes:
    content = _at(answer, "content")
    if "text" not in content.mapping():
        if _text(content, "size") in {"0", "-1", ""}:
            return b""
        raise content.fault(f"of {url[:80]} has no 'text'; export the HAR again, with content")
    return _bytes(content)


def _bytes(item: Item) -> bytes:
    held = item.mapping().get("text")
    if held is None or held.is_null:
        return b""
    if _text(item, "encoding") != "base64":
        return held.data()
    try:
        return base64.b64decode(held.text(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise held.fault(f"is not base64 ({error}); export the HAR again") from error


def _fields(item: Item) -> Fields:
    """Field lines; a browser lists HTTP/2's pseudo-fields among them."""
    listed = item.mapping().get("headers")
    lines = (
        (_text(each, "name"), _text(each, "value")) for each in (listed.items() if listed else ())
    )
    return tuple((name, value) for name, value in lines if name and not name.startswith(":"))


def _at(item: Item, key: str) -> Item:
    found = item.mapping().get(key)
    if found is None:
        raise item.fault(f"has no {key!r}, so it is no whole HAR; export it again")
    return found


def _text(item: Item, key: str) -> str:
    found = item.mapping().get(key)
    return found.text() if found else ""
