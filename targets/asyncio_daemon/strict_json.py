"""JSON as RFC 8259 has it: no NaN, no Infinity, integers of any length, one kind of error."""

from __future__ import annotations

import json
from typing import Any

_EXACT = 4000  # digits; Python refuses to make integers of more than some thousand


def loads(text: str) -> Any:
    """Read one JSON value.

    Raises:
        ValueError: It is none, or nests too deep.
    """
    try:
        return json.loads(text, parse_constant=_no_constant, parse_int=_integer)
    except RecursionError:
        raise ValueError("it nests too deep") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> float:
    return int(digits) if len(digits) < _EXACT else float(digits)
