"""Typed netstrings (tnetstrings.info), with the text type that mitmproxy adds: ``;``, UTF-8.

``<length>:<payload><type>``: ``,`` bytes, ``;`` text, ``#`` integer, ``^`` float, ``!`` boolean,
``~`` null, ``]`` list, ``}`` mapping.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DEPTH = 32
_LENGTH = re.compile(rb"([0-9]{1,12}):")


class TnetError(ValueError):
    """The bytes are no typed netstring; the message says where."""


def values(data: bytes) -> Iterator[Any]:
    """Read the values that stand one after the other.

    Raises:
        TnetError: One is damaged, or stops before its end; those before it were given.
    """
    at = 0
    while at < len(data):
        value, at = _value(data, at, len(data), 0)
        yield value


def _value(data: bytes, at: int, end: int, depth: int) -> tuple[Any, int]:
    found = _LENGTH.match(data, at, end)
    if not found:
        raise TnetError(f"no length at byte {at}")
    start = found.end()
    stop = start + int(found[1])
    if stop >= end:
        raise TnetError(f"the value at byte {at} stops before its end")
    kind = data[stop : stop + 1]
    if kind in b"]}":
        if depth == _DEPTH:
            raise TnetError(f"more than {_DEPTH} levels at byte {at}")
        items = list(_items(data, start, stop, depth + 1))
        return (items if kind == b"]" else _mapping(items, at)), stop + 1
    try:
        return _scalar(kind, data[start:stop]), stop + 1
    except ValueError:
        raise TnetError(f"no value of type {kind!r} at byte {at}") from None


def _items(data: bytes, at: int, end: int, depth: int) -> Iterator[Any]:
    while at < end:
        value, at = _value(data, at, end, depth)
        yield value


def _mapping(items: list[Any], at: int) -> dict[str, Any]:
    keys = items[::2]
    if len(items) % 2 or not all(isinstance(key, str | bytes) for key in keys):
        raise TnetError(f"no mapping at byte {at}")
    # Files of mitmproxy before 1.0 have keys that are bytes.
    named = (key if isinstance(key, str) else key.decode("latin-1") for key in keys)
    return dict(zip(named, items[1::2], strict=True))


def _scalar(kind: bytes, held: bytes) -> Any:
    match kind:
        case b",":
            return held
        case b";":
            return held.decode()
        case b"#" if len(held) < 40:
            return int(held)
        case b"^" if len(held) < 60:
            return float(held)
        case b"!" if held in {b"true", b"false"}:
            return held == b"true"
        case b"~" if not held:
            return None
        case _:
            raise ValueError(kind)
