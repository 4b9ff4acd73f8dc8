"""What a response's head, its error and the upstream request show against an assertion.

Each function takes the assertion's value and what was seen, and returns evidence in words, or
None when the assertion holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from replayfuzz.formats.json_text import canonical
from replayfuzz.scenarios.quote import quoted, short
from replayfuzz.scenarios.seen import Seen


def answered(_: None, seen: Seen) -> str | None:
    if seen.failure or not seen.response.status:
        return seen.failure or "no response"
    return None


def no_error(_: None, seen: Seen) -> str | None:
    return answered(None, seen) or seen.error or None


def error(_: None, seen: Seen) -> str | None:
    if seen.silent or not seen.response.status:
        return answered(None, seen)  # waiting in vain tells a client nothing
    # A response that visibly breaks off tells it as well as an error event does.
    return None if seen.error or seen.failure else _no_such_error(seen)


def error_contains(value: str, seen: Seen) -> str | None:
    if not seen.error:
        return _no_such_error(seen)
    return None if value in seen.error else f"the error is {quoted(seen.error)}"


def _no_such_error(seen: Seen) -> str:
    told = " and says [DONE]" if seen.done else ""
    return f"the response is {seen.response.status} without an error{told}"


def status(value: int, seen: Seen) -> str | None:
    got = seen.response.status
    return None if got == value else f"the status is {got}{_why(seen)}"


def status_at_least(value: int, seen: Seen) -> str | None:
    got = seen.response.status
    return None if got >= value else f"the status is {got}{_why(seen)}"


def _why(seen: Seen) -> str:
    told = seen.failure or seen.error
    return f" ({told})" if told else ""


def header(value: Mapping[str, str], seen: Seen) -> str | None:
    return _field(value, _fields(seen, value["name"]), str.__eq__)


def header_contains(value: Mapping[str, str], seen: Seen) -> str | None:
    return _field(value, _fields(seen, value["name"]), lambda got, part: part in got)


def no_header(value: str, seen: Seen) -> str | None:
    found = _fields(seen, value)
    return f"it is there: {quoted(found[0])}" if found else None


def _fields(seen: Seen, name: str) -> list[str]:
    return [value for key, value in seen.response.fields if key.lower() == name.lower()]


def declared_head(_: None, seen: Seen) -> str | None:
    for name, value in seen.declared.items():
        found = _fields(seen, name)
        if not any(_alike(got, value) for got in found):
            told = f"is {', '.join(map(quoted, found))}" if found else "is not there"
            return f"{name} {told} instead of {quoted(value)}"
    return None


def _alike(got: str, value: str) -> bool:
    # RFC 9110 section 8.3.1: a media type may have parameters, and its case is no matter.
    return value.lower() in (got.lower(), got.partition(";")[0].strip().lower())


def _field(
    value: Mapping[str, str], found: list[str], holds: Callable[[str, str], bool]
) -> str | None:
    if not found:
        return "there is no such field"
    if any(holds(got, value["value"]) for got in found):
        return None
    return f"it is {', '.join(map(quoted, found))}"


def upstream_header(value: Mapping[str, str], seen: Seen) -> str | None:
    if not seen.request:
        return "the upstream was not asked"
    return _field(value, seen.told(value["name"]), str.__eq__)


def upstream_json(value: Mapping[str, Any], seen: Seen) -> str | None:
    if not seen.request:
        return "the upstream was not asked"
    for name, wanted in value.items():
        if name not in seen.asked:
            return f"there is no {name}"
        got = seen.asked[name]
        if canonical(got) != canonical(wanted):
            return f"{name} is {short(canonical(got))}"
    return None


def not_asked(_: None, seen: Seen) -> str | None:
    return "the upstream was asked" if seen.request else None
