"""What a payload asks for: whether a daemon has to serve it, and what its upstream must see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "user_id": (int,),
    "prompt": (str,),
    "messages": (list,),
    "model": (str,),
    "max_tokens": (int,),
    "temperature": (int, float),
    "system": (str,),
    "request_id": (str,),
    "test_pattern": (str,),
    "response_headers": (dict,),
}
"""Keys that daemons of this kind read, and the JSON types of their values."""

_HEADERS = {"test_pattern": "x-test-pattern", "request_id": "x-request-id"}
_CONTROL = re.compile(r"[^\t\x20-\x7e]")


def default(mark: str) -> bytes:
    """The payload of an ordinary hand-off; *mark* leads its upstream request to its stream."""
    return json.dumps({"user_id": 1, "prompt": f"say hello to {mark}"}).encode()


def asked(payload: bytes) -> dict[str, Any] | None:
    """The values that a payload holds; None: no daemon has to serve it.

    An empty payload and one NUL byte stand for an object without keys. A value of null
    counts as absent.
    """
    if payload in {b"", b"\0"}:
        return {}
    try:
        value = json.loads(payload.decode(), object_pairs_hook=_object, parse_constant=_refused)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or not _sound_text(value):
        return None
    present = {name: item for name, item in value.items() if item is not None}
    return present if all(_sound(name, item) for name, item in present.items()) else None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name twice")  # RFC 8259 section 4: behaviour is unpredictable
    return dict(pairs)


def _refused(name: str) -> float:
    raise ValueError(name)  # RFC 8259 section 6: Infinity and NaN are not permitted


def _sound_text(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False  # lone surrogates, which no UTF-8 can hold (RFC 8259 section 8.2)
    return True


def _sound(name: str, value: object) -> bool:
    wanted = _TYPES.get(name)
    if wanted is None:
        return True
    if isinstance(value, bool) or not isinstance(value, wanted):
        return False
    match value:
        case float():
            return abs(value) != float("inf")
        case str() if name in _HEADERS:
            return not _CONTROL.search(value)
        case list():
            return all(_message(item) for item in value)
        case dict():
            return not any(_CONTROL.search(f"{key}{text}") for key, text in value.items())
        case _:
            return True


def _message(item: object) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("role"), str)
        and isinstance(item.get("content"), str)
    )


def members(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Members that the upstream request's JSON must have, by the payload's *values*.

    Args:
        values: See ``asked``.
        keys: Keys of the payload that the daemon declares to pass on.
    """
    known = set(keys)
    found: dict[str, Any] = {"stream": True}
    for name in ("model", "max_tokens", "temperature"):
        if name in known and values.get(name) not in (None, ""):
            found[name] = values[name]
    messages = values.get("messages") if "messages" in known else None
    # An absent or empty prompt has a default of the daemon's own.
    if not messages and "prompt" in known and values.get("prompt"):
        messages = [{"role": "user", "content": values["prompt"]}]
    system = values.get("system") if "system" in known else None
    if messages and system:
        messages = [{"role": "system", "content": system}, *messages]
    if messages and not ("system" in values and "system" not in known):
        found["messages"] = messages
    return found


def headers(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, str]:
    """Header fields that the upstream request must have; see ``members``."""
    known = set(keys)
    return {
        field: str(values[name])
        for name, field in _HEADERS.items()
        if name in known and str(values.get(name) or "").strip()
    }
