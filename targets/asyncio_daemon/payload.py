"""What a web server asks for in a hand-off: the JSON payload, checked once, as a value."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from replayfuzz.targets.asyncio_daemon import strict_json

MODEL, PROMPT = "gpt-4o-mini", "Hello"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PRINTABLE = re.compile(r"[ -~]*")
# A client must not be able to change how its response is framed or read.
_OURS = frozenset(
    {
        *("content-type", "cache-control", "connection", "x-accel-buffering"),
        *("transfer-encoding", "content-length", "content-encoding"),
    }
)


class PayloadError(ValueError):
    """The payload cannot be used; the message is for whoever made it."""


@dataclass(frozen=True, slots=True)
class Job:
    """One request to make.

    Attributes:
        body: JSON text of the request to the provider.
        fields: Header fields that it has besides those of every request.
        response_fields: Lines to add to the client's response head.
    """

    body: bytes
    fields: tuple[tuple[str, str], ...] = ()
    response_fields: tuple[tuple[str, str], ...] = ()


def parse(data: bytes) -> Job:
    """Read a payload; one NUL byte, or nothing, stands for one without keys.

    Raises:
        PayloadError: It is not a JSON object, or a known key has a value of the wrong type.
    """
    given = _Given(_object(data))
    given.number("user_id", whole=True)  # a web server's own; nobody upstream is told
    body: dict[str, Any] = {
        "model": given.text("model") or MODEL,
        "messages": _messages(given),
        "stream": True,
    }
    for name, whole in (("max_tokens", True), ("temperature", False)):
        if (number := given.number(name, whole=whole)) is not None:
            body[name] = number
    lines = (("X-Request-Id", "request_id"), ("X-Test-Pattern", "test_pattern"))
    fields = tuple((line, value) for line, key in lines if (value := given.field(key)))
    return Job(_bytes(body), fields, _response_fields(given.mapping("response_headers")))


def _object(data: bytes) -> dict[str, Any]:
    if data in {b"", b"\0"}:
        return {}
    try:
        value = strict_json.loads(data.decode())
    except ValueError:
        raise PayloadError("the payload is not JSON") from None
    if not isinstance(value, dict):
        raise PayloadError("the payload is not a JSON object")
    return value


class _Given:
    """The payload's members by type; null counts as absent."""

    def __init__(self, members: dict[str, Any]) -> None:
        self._members = members

    def text(self, key: str) -> str | None:
        value = self._members.get(key)
        if value is None or isinstance(value, str):
            return value
        raise PayloadError(f"{key} is not a string")

    def field(self, key: str) -> str | None:
        """A string that goes into a header field as it is."""
        value = self.text(key)
        if value and not _PRINTABLE.fullmatch(value):
            raise PayloadError(f"{key} has characters that no header field can carry")
        return value

    def number(self, key: str, *, whole: bool) -> float | None:
        value = self._members.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
            raise PayloadError(f"{key} is not {'an integer' if whole else 'a number'}")
        if isinstance(value, float) and not math.isfinite(value):
            raise PayloadError(f"{key} is out of range")
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._members.get(key)
        if value is not None and not isinstance(value, dict):
            raise PayloadError(f"{key} is not an object")
        return value or {}

    def items(self, key: str) -> list[Any]:
        value = self._members.get(key)
        if value is not None and not isinstance(value, list):
            raise PayloadError(f"{key} is not a list")
        return value or []


def _messages(given: _Given) -> list[dict[str, str]]:
    messages = []
    for item in given.items("messages"):
        if not isinstance(item, dict):
            raise PayloadError("messages has an item that is not an object")
        role, content = item.get("role"), item.get("content")
        if not isinstance(role, str) or not isinstance(content, str):
            raise PayloadError("messages has an item without the strings role and content")
        messages.append({"role": role, "content": content})
    prompt, system = given.text("prompt"), given.text("system")
    if not messages:
        messages.append({"role": "user", "content": PROMPT if prompt is None else prompt})
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return messages


def _response_fields(given: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    kept = []
    for name, value in given.items():
        if not isinstance(value, str) or not _TOKEN.fullmatch(name) or name.lower() in _OURS:
            continue
        if not _CONTROL.search(value):
            _encoded(value)
            kept.append((name, value))
    return tuple(kept)


def _bytes(value: dict[str, Any]) -> bytes:
    return _encoded(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # RFC 8259 section 8.2
        raise PayloadError("the payload has an escape of half a character") from None
