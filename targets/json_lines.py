"""The part of a loop over lines that is the user's: each line is one JSON value."""

from __future__ import annotations

import json
from typing import NoReturn

from replayfuzz.worker import Shown


def record(line: bytes | str) -> Shown:
    """The event of *line*; what is not UTF-8, or not JSON as RFC 8259 has it, is an error."""
    text = line.decode() if isinstance(line, bytes) else line
    return {"type": "record", "value": json.loads(text, parse_constant=_constant)}


def _constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON value", name, 0)
