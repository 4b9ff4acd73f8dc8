"""Anthropic's legacy text completions, API version 2023-06-01: each event has new text only.

The last ``completion`` is the one with a ``stop_reason``.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import ProviderError, Story, message_of


def _tell(data: dict[str, Any], story: Story) -> None:
    kind = story.text(story.needed(data.get("type")))
    if kind == "error":
        raise ProviderError(message_of(data))
    if (kind is None and "completion" not in data) or kind not in {None, "completion"}:
        return  # ping, and types to come
    story.model(story.needed(data.get("model")))
    story.speak("text", story.needed(data.get("completion")))
    if reason := story.text(data.get("stop_reason")):
        story.emit("finish", choice=0, reason=reason)
        story.terminal = True


_API = Objects(
    tell=_tell,
    last=lambda data: bool(data.get("stop_reason")),
    names=frozenset({"message", "completion", "ping"}),
    closes=False,
)

ANTHROPIC_COMPLETIONS = Dialect(
    name="anthropic.completions",
    format="sse",
    content_type="text/event-stream",
    path="/v1/complete",
    expect=object_oracle(_API),
    source="https://docs.anthropic.com/en/api/complete",
    sites={
        "text": (("completion",),),
        "finish": (("stop_reason",),),
        "model": (("model",),),
        "type": (("type",),),
    },
    finishes=("stop_sequence", "max_tokens"),
    errors={
        "overloaded": b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error",'
        b'"message":"Overloaded"}}\n\n',
    },
    order=CHAT,
)
