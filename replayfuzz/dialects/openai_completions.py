"""OpenAI completions, the older API: text without roles, and what followers (vLLM) send for it."""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.chunks import ERRORS as SHARED_ERRORS
from replayfuzz.dialects.chunks import chunk_oracle
from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import Story


def _tell(chunk: dict[str, Any], story: Story) -> None:
    """Report what one chunk object says."""
    story.model(chunk.get("model"))
    told = len(story.events)
    for position, choice in enumerate(story.items(story.needed(chunk.get("choices")))):
        _choice(story.mapping(choice), position, story)
    if len(story.events) > told and chunk.get("object") != "text_completion":
        story.strict = False  # "The object type, which is always text_completion"
    if usage := story.mapping(chunk.get("usage")):
        report_usage(usage, story)


def _choice(choice: dict[str, Any], position: int, story: Story) -> None:
    if not choice:
        return
    index = story.number(choice.get("index"), position)
    story.speak("text", story.needed(choice.get("text")), index)
    if reason := story.text(choice.get("finish_reason")):
        story.emit("finish", choice=index, reason=reason)


ERRORS = {
    **SHARED_ERRORS,
    "error in a chunk": b'data: {"id":"cmpl-1","object":"text_completion","created":1,"model":"m",'
    b'"error":{"code":502,"message":"Provider disconnected"},"choices":[{"index":0,"text":"",'
    b'"logprobs":null,"finish_reason":"error"}]}\n\n',
}

OPENAI_COMPLETIONS = Dialect(
    name="openai.completions",
    format="sse",
    content_type="text/event-stream",
    path="/v1/completions",
    expect=chunk_oracle(_tell),
    source="https://platform.openai.com/docs/api-reference/completions",
    terminal=b"data: [DONE]\n\n",
    sites={
        "text": (("choices", None, "text"),),
        "finish": (("choices", None, "finish_reason"),),
        "usage": (("usage",),),
        "model": (("model",),),
        "choices": (("choices",),),
        "type": (("object",),),
    },
    finishes=("stop", "length", "content_filter"),
    errors=ERRORS,
    order=CHAT,
)
