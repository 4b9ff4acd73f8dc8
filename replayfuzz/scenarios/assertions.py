"""The assertions, as a table: a name, what it takes, what it asks for, and its evidence.

A function returns what it saw instead, in words, or None when the assertion holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from replayfuzz.formats.json_text import canonical
from replayfuzz.scenarios import evidence, stream
from replayfuzz.scenarios.quote import quoted, short
from replayfuzz.scenarios.results import Outcome
from replayfuzz.scenarios.scenario import Check
from replayfuzz.scenarios.seen import DONE, Seen

Takes = Literal["nothing", "number", "text", "name", "field", "members"]
"""Of an assertion's value. ``name``: a header field's; ``field``: its name and value;
``members``: a table."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One row.

    Attributes:
        takes: What its value has to be.
        asks: What it asks for; ``{}`` stands for the value.
        broken: Value and response to evidence, or to None when it holds.
    """

    takes: Takes
    asks: str
    broken: Callable[[Any, Seen], str | None]

    def message(self, value: Any) -> str:
        """What is asked for, with the value in it."""
        match self.takes:
            case "nothing":
                return self.asks
            case "field":
                return self.asks.format(f"{value['name']}: {value['value']}")
            case "members":
                return self.asks.format(short(canonical(value)))
            case "text":
                return self.asks.format(quoted(value))
            case _:
                return self.asks.format(value)


def judge(checks: Iterable[Check], seen: Seen) -> tuple[Outcome, ...]:
    """Hold what was seen against every check, in order."""
    return tuple(_outcome(check, seen) for check in checks)


def _outcome(check: Check, seen: Seen) -> Outcome:
    row = ASSERTIONS[check.name]
    shown = row.broken(check.value, seen)
    return Outcome(check.name, shown is None, row.message(check.value), shown or "")


ASSERTIONS: dict[str, Assertion] = {
    "answered": Assertion("nothing", "the response arrives whole", evidence.answered),
    "no_error": Assertion("nothing", "no error of any kind", evidence.no_error),
    "error": Assertion("nothing", "the client is told of an error", evidence.error),
    "error_contains": Assertion("text", "an error that contains {}", evidence.error_contains),
    "http_status": Assertion("number", "status {}", evidence.status),
    "http_status_at_least": Assertion("number", "status {} or above", evidence.status_at_least),
    "header": Assertion("field", "header {}", evidence.header),
    "header_contains": Assertion("field", "header that contains {}", evidence.header_contains),
    "no_header": Assertion("name", "no header {}", evidence.no_header),
    "declared_head": Assertion("nothing", "the response head as declared", evidence.declared_head),
    "sse_format": Assertion(
        "nothing", "an event stream with at least one chunk", stream.sse_format
    ),
    "content": Assertion("text", "the content is {}", stream.content),
    "content_equal": Assertion(
        "nothing", "the content as the upstream sent it", stream.content_equal
    ),
    "content_contains": Assertion("text", "the content contains {}", stream.content_contains),
    "utf8_valid": Assertion("nothing", "valid UTF-8", stream.utf8_valid),
    "chunk_count": Assertion("number", "{} chunks", stream.chunk_count),
    "chunk_count_at_least": Assertion("number", "at least {} chunks", stream.chunk_count_at_least),
    "finish_reason": Assertion("text", "finish reason {}", stream.finish_reason),
    "no_finish_reason": Assertion("nothing", "no finish reason", stream.no_finish_reason),
    "done_marker": Assertion("nothing", f"one {DONE}, last", stream.done_marker),
    "no_done_marker": Assertion("nothing", f"no {DONE}", stream.no_done_marker),
    "no_wrapped_done": Assertion(
        "nothing", f"{DONE} is never a piece of text", stream.no_wrapped_done
    ),
    "body_bytes_equal": Assertion(
        "nothing", "the body as the upstream sent it", stream.body_bytes_equal
    ),
    "upstream_header": Assertion(
        "field", "upstream request with header {}", evidence.upstream_header
    ),
    "upstream_json": Assertion(
        "members", "upstream request with members {}", evidence.upstream_json
    ),
    "upstream_not_asked": Assertion("nothing", "no upstream request", evidence.not_asked),
}
