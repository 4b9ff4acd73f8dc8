"""One JSON text, read as strictly as RFC 8259 has it, and written in one canonical way.

Python's own reader takes ``NaN`` and ``Infinity``, and runs out of stack on deep nesting;
both are plain errors here. Lone surrogate escapes pass through as they are: section 8.2
calls what a reader makes of them unpredictable, so the dialects tell what they accept.
"""

from __future__ import annotations

import json
import re
from typing import Any

DEPTH = 500
"""Nesting beyond this is an error, whatever the caller's stack. RFC 8259 section 9:
"An implementation may set limits on the maximum depth of nesting." """

_STRING_OR_OTHER = re.compile(r'"(?:[^"\\]++|\\.)*+"|[^\[\]{}"]++', re.DOTALL)


class JsonError(ValueError):
    """The text is not one JSON value; the message says why and where."""


def loads(text: str) -> Any:
    """Read one JSON value with white space around it.

    A name that comes twice keeps its last value; numbers beyond a double's range are inf;
    integers are exact.

    Raises:
        JsonError: It is not JSON, or nests deeper than DEPTH.
    """
    if text.count("[") + text.count("{") > DEPTH:
        _check_depth(text)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonError(str(error)) from None
    except RecursionError:
        raise JsonError("it nests too deep for the stack of this process") from None


def loads_first(text: str) -> Any:
    """As ``loads``, but a name that comes twice keeps its first value."""
    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: dict(reversed(pairs)), parse_int=_integer
    )
    return decoder.decode(text)


def names_twice(text: str) -> bool:
    """Whether some object in *text*, which is JSON, has a name twice (RFC 8259 section 4)."""
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> None:
        nonlocal twice
        twice = twice or len({name for name, _ in pairs}) < len(pairs)

    json.JSONDecoder(object_pairs_hook=look, parse_int=_integer).decode(text)
    return twice


def canonical(value: Any) -> str:
    """Write *value* in one way: members sorted by name, no white space, no needless escapes.

    This is how arguments that a provider sends as an object (Ollama) are told as text: two
    objects are the same arguments exactly when their canonical texts are equal.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _check_depth(text: str) -> None:
    depth = 0
    for bracket in _STRING_OR_OTHER.sub("", text):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH:
            raise JsonError(f"it nests deeper than {DEPTH}")


def _no_constant(name: str) -> Any:
    raise JsonError(f"{name} is not JSON (RFC 8259 section 6)")


def _integer(digits: str) -> int | float:
    # Python refuses to read integers of more than some thousand digits.
    return int(digits) if len(digits) < 4000 else float(digits)


_DECODER = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer)
