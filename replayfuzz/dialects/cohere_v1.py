"""Cohere's first chat API: one JSON object a line, told apart by ``event_type``.

Calls are told from ``tool-calls-generation``, which has them whole; ``tool-calls-chunk`` before
it holds the same in pieces. The text of such a chunk is the model's plan. A failure is documented
as the finish reason of ``stream-end``, and as no other record.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.lines import oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import FAILED_FINISH, NO_EVENT_TYPE
from replayfuzz.dialects.story import ProviderError, Story
from replayfuzz.formats.json_text import canonical

FAILED = frozenset({"ERROR", "ERROR_TOXIC", "ERROR_LIMIT", "TIMEOUT"})
"""Finish reasons that are documented as failures."""


def _tell(record: dict[str, Any], story: Story) -> None:
    match story.text(record.get("event_type")):
        case "text-generation":
            story.speak("text", story.needed(record.get("text")))
        case "tool-calls-chunk":
            story.speak("reasoning", record.get("text"))
        case "tool-calls-generation":
            for call in map(story.mapping, story.items(story.needed(record.get("tool_calls")))):
                _tool(call, story)
        case "stream-end":
            _end(record, story)
        case None:
            story.strict = False
            if story.rulings.pick(NO_EVENT_TYPE) == "error":
                raise ProviderError("")
        case _:
            pass  # stream-start, search-*, citation-generation, debug, and what is to come


def _tool(call: dict[str, Any], story: Story) -> None:
    arguments = story.exact(story.mapping(story.needed(call.get("parameters"))))
    story.emit(
        "tool",
        choice=0,
        index=story.calls,
        name=story.text(story.needed(call.get("name"))),
        arguments=canonical(arguments),
    )
    story.calls += 1


def _end(record: dict[str, Any], story: Story) -> None:
    reason = story.text(story.needed(record.get("finish_reason")))
    if reason in FAILED and story.rulings.pick(FAILED_FINISH) == "error":
        raise ProviderError("")
    if reason:
        story.emit("finish", choice=0, reason=reason)
    meta = story.mapping(story.mapping(record.get("response")).get("meta"))
    if usage := {name: meta[name] for name in ("billed_units", "tokens") if meta.get(name)}:
        report_usage(usage, story, whole=False)
    story.emit("done")
    story.terminal = True


COHERE_V1 = Dialect(
    name="cohere.v1",
    format="ndjson",
    content_type="application/stream+json",
    path="/v1/chat",
    expect=oracle(_tell),
    source="https://docs.cohere.com/v1/reference/chat-stream",
    sites={
        "text": (("text",),),
        "arguments": (("tool_calls", None, "parameters"),),
        "finish": (("finish_reason",),),
        "usage": (("response", "meta"),),
        "tool_name": (("tool_calls", None, "name"),),
        "type": (("event_type",),),
    },
    finishes=(
        *("COMPLETE", "STOP_SEQUENCE", "MAX_TOKENS", "USER_CANCEL"),
        *("ERROR", "ERROR_TOXIC", "ERROR_LIMIT"),
    ),
    errors={},  # none but the finish reasons of stream-end
    order=CHAT,
)
