"""What one reading of one stream tells: events as they come, and how it ended.

Shared by all dialects: what JSON leaves open, what HTTP adds, when a stream is whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from replayfuzz.dialects.dialect import Ended
from replayfuzz.dialects.rulings import (
    BAD_JSON,
    BIG_NUMBERS,
    CUT_AFTER_TERMINAL,
    DUPLICATE_NAMES,
    JSON_NULL,
    LONE_SURROGATES,
    NO_CONTENT,
    NO_DATA,
    NO_FINISH,
    NO_TERMINAL,
    NOT_OBJECT,
    RAW_STATUS,
    Choice,
    Rulings,
)
from replayfuzz.formats.json_text import JsonError, loads, loads_first, names_twice
from replayfuzz.transcript import Event, Expected, OutcomeEnd, event

_SURROGATE = re.compile("[\ud800-\udfff]")
_MAYBE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_EXACT = 2**53


class ProviderError(Exception):
    """The stream says that it failed; *message* is what the caller has to be told ("": any)."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class _Parsed(NamedTuple):
    """A JSON text; *value* is shared between readings: nobody changes it."""

    value: Any
    readable: bool
    twice: bool = False
    lone: bool = False


@lru_cache(maxsize=4096)
def _parsed(text: str) -> _Parsed:
    try:
        value = loads(text)
    except JsonError:
        return _Parsed(None, readable=False)
    lone = bool(_MAYBE_SURROGATE.search(text)) and _any_lone(value)
    return _Parsed(value, readable=True, twice=names_twice(text), lone=lone)


class Story:
    """Gathers what a reader of the stream reports."""

    def __init__(self, rulings: Rulings, ended: Ended, *, strict: bool = True) -> None:
        self.rulings = rulings
        self.ended = ended
        self.strict = strict
        self.events: list[Event] = []
        self.terminal = False
        self.calls = 0  # tool calls so far, where a call comes whole
        self._model: str | None = None

    def emit(self, type: str, **values: Any) -> None:
        """Report one event; fields that are None are left out."""
        self.events.append(event(type, **values))

    def record(self, value: Any) -> None:
        """Report a JSON value; null is one, so it is not left out."""
        self.events.append(Event("record", {"value": value}))

    def speak(self, type: str, text: Any, choice: int = 0) -> None:
        """Report a piece of text, unless it is empty."""
        if told := self.text(text):
            self.emit(type, choice=choice, text=told)

    def model(self, name: Any) -> None:
        """Report the model when it is first named, and when it changes."""
        if (told := self.text(name)) and told != self._model:
            self._model = told
            self.emit("model", model=told)

    def text(self, value: Any) -> str | None:
        """*value* if it is a string; anything else but null makes an error acceptable."""
        if value is None or isinstance(value, str):
            return value
        self.strict = False
        return None

    def needed(self, value: Any) -> Any:
        """*value*; where the documentation always has it, null makes an error acceptable."""
        self.strict = self.strict and value is not None
        return value

    def mapping(self, value: Any) -> dict[str, Any]:
        """*value* if it is an object; anything else but null makes an error acceptable."""
        if isinstance(value, dict):
            return value
        self.strict = self.strict and value is None
        return {}

    def items(self, value: Any) -> list[Any]:
        """*value* if it is an array; anything else but null makes an error acceptable."""
        if isinstance(value, list):
            return value
        self.strict = self.strict and value is None
        return []

    def number(self, value: Any, default: int) -> int:
        """*value* if it is an integer; anything else makes an error acceptable."""
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.strict = False
        return default

    def json(self, text: str) -> dict[str, Any] | None:
        """The object that an event's data is; None: it is none, and is to be skipped.

        Raises:
            ProviderError: It is none, and that is an error.
        """
        readable, value = self.value(text)
        if readable and isinstance(value, dict):
            return value
        if self.rulings.pick(_no_object(text, value, readable=readable)) == "error":
            raise ProviderError("")
        return None

    def value(self, text: str) -> tuple[bool, Any]:
        """Whether *text* is JSON, and its value."""
        parsed = _parsed(text) if len(text) < 10_000 else _parsed.__wrapped__(text)
        value = parsed.value
        if parsed.twice:
            self.strict = False
            if self.rulings.pick(DUPLICATE_NAMES) == "first":
                value = loads_first(text)
        if parsed.lone:
            self.strict = False
            if self.rulings.pick(LONE_SURROGATES) == "replaced":
                value = _map(value, _replaced)
        return parsed.readable, value

    def exact(self, value: Any) -> Any:
        """*value* with its numbers as this reading has them."""
        if not _any_big(value):
            return value
        self.strict = False
        return _map(value, _rounded) if self.rulings.pick(BIG_NUMBERS) == "rounded" else value

    def failed(self, message: str) -> Expected:
        """The stream said that it failed."""
        return self._expected("error", message)

    def whole(self, *, finished: bool, marker_needed: bool = True) -> Expected:
        """The bytes are at their end, or the terminal marker was read.

        Args:
            finished: Every choice that said something gave a finish reason.
            marker_needed: Without its terminal marker a finished stream is not whole.
        """
        end: str = "truncated"
        if self.terminal and self.ended.message_end == "incomplete":
            end = self.rulings.pick(CUT_AFTER_TERMINAL)
        elif self.terminal:
            end = "complete" if finished else self.rulings.pick(NO_FINISH)
        elif finished and not marker_needed and self.ended.message_end == "complete":
            end = self.rulings.pick(NO_TERMINAL)
        return self._expected("complete" if end == "complete" else "truncated")

    def raw(self) -> Expected:
        """The bytes are at their end, and no marker says whether the stream is: HTTP does."""
        return self._expected("complete" if self.ended.message_end == "complete" else "truncated")

    def truncated(self) -> Expected:
        """The bytes stop inside something."""
        return self._expected("truncated")

    def _expected(self, end: OutcomeEnd, message: str = "") -> Expected:
        return Expected(
            tuple(self.events),
            end,
            message,
            status=self.ended.status,
            message_end=self.ended.message_end,
            terminal=self.terminal,
            must_end=self.terminal or self.ended.message_end != "open",
            strict=self.strict,
        )


def _no_object(text: str, value: Any, *, readable: bool) -> Choice:
    """What is asked of an event that is no object: a reader may take one kind and not another."""
    if not readable:
        return BAD_JSON if text.strip() else NO_DATA
    return JSON_NULL if value is None else NOT_OBJECT


def by_status(
    story: Story,
    body: bytes,
    *,
    raw: bool = False,
    error: Callable[[Any], str] | None = None,
) -> Expected | None:
    """What an HTTP status decides by itself (RFC 9110 section 15); None: the body counts.

    Args:
        story: Where it is told.
        body: Of the response.
        raw: No provider's API: the status may be somebody else's concern.
        error: The text for people in the value of an error's body; ``message_of`` if None.
    """
    status = story.ended.status
    if status == 204:
        end: Literal["complete", "truncated"] = (
            "complete" if story.rulings.pick(NO_CONTENT) == "complete" else "truncated"
        )
        return Expected(end=end, status=status, message_end=story.ended.message_end)
    if 200 <= status < 300 or (raw and story.rulings.pick(RAW_STATUS) == "read"):
        return None
    readable = status >= 400 and not raw and story.ended.message_end == "complete"
    story.strict = True
    return story.failed(_body_message(body, error or message_of) if readable else "")


def _body_message(body: bytes, error: Callable[[Any], str]) -> str:
    try:
        return error(loads(body.decode("utf-8-sig")))
    except (JsonError, UnicodeDecodeError):
        return ""


def message_of(value: Any) -> str:
    """The text for people in an error as providers write it; "" where there is none.

    ``{"error": {"message": …}}``, ``{"error": "…"}``, ``{"message": …}``, ``{"detail": "…"}``, the
    inner object alone, an array of these (``{"errors": […]}`` too), or a bare string.
    """
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if value.get("error"):
        return message_of(value["error"])
    if value.get("errors"):
        return message_of(value["errors"])
    found = (value.get(name) for name in ("message", "detail"))
    return next((text for text in found if text and isinstance(text, str)), "")


# -- walks over JSON values --------------------------------------------------------------


def _map(value: Any, change: Any) -> Any:
    if isinstance(value, dict):
        return {change(name): _map(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_map(item, change) for item in value]
    return change(value)


def _replaced(value: Any) -> Any:
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


def _rounded(value: Any) -> Any:
    return int(float(value)) if _any_big(value) and isinstance(value, int) else value


def _any_lone(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_any_lone(name) or _any_lone(item) for name, item in value.items())
    if isinstance(value, list):
        return any(map(_any_lone, value))
    return isinstance(value, str) and bool(_SURROGATE.search(value))


def _any_big(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_any_big, value.values()))
    if isinstance(value, list):
        return any(map(_any_big, value))
    if isinstance(value, float):
        return value in (float("inf"), float("-inf"))
    return isinstance(value, int) and abs(value) > _EXACT
