"""Bytes that should be one JSON object, and may be anything."""

from __future__ import annotations

import json
from typing import Any


def json_object(data: bytes | None) -> dict[str, Any] | None:
    """The object that *data* is (RFC 8259 section 4); None: it is no JSON, or no object."""
    try:
        value = json.loads(data or b"")
    except (ValueError, RecursionError):  # the latter: nested more deeply than can be read
        return None
    return value if isinstance(value, dict) else None
