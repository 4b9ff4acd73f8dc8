"""Answers of the mock provider, as values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from replayfuzz.cassette import Fields
from replayfuzz.wire import Script


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of JSON.

    Attributes:
        fields: Besides the type and the length of the content.
    """

    status: int
    body: bytes
    fields: Fields = ()


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream to play.

    Attributes:
        name: What it is, in words.
        waits: There are waits in it.
    """

    script: Script
    name: str
    waits: bool


def reply(value: Any, status: int = 200, fields: Fields = ()) -> Reply:
    """*value* as compact JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair, as a client may have sent it, has no bytes.
    return Reply(status, text.encode("utf-8", "backslashreplace"), fields)


def fault(status: int, message: str, fields: Fields = ()) -> Reply:
    """An error in the form that clients of OpenAI read."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return reply({"error": error}, status, fields)
