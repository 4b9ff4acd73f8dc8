"""IBM watsonx.ai ``/ml/v1/text/generation_stream``: SSE events with results.

``stop_reason`` is ``not_finished`` until the last event. No marker comes after it. Counts: that
of generated tokens is the total so far; that of input tokens comes once, in the first event.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, walk
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import FAILED_FINISH
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.transcript import Expected

_GOES_ON = "not_finished"
_COUNTS = ("generated_token_count", "input_token_count")


def _fold(stream: SseStream, story: Story) -> Expected:
    try:
        walk(stream, story, _API)
    except ProviderError as error:
        return story.failed(error.message)
    told = {event.get("choice") for event in story.events if event.type in {"text", "finish"}}
    finished = {event.get("choice") for event in story.events if event.type == "finish"}
    return story.raw() if finished and told == finished else story.truncated()


def _tell(data: dict[str, Any], story: Story) -> None:
    if data.get("errors"):
        raise ProviderError(message_of(data))
    story.model(data.get("model_id"))
    for place, result in enumerate(story.items(story.needed(data.get("results")))):
        _result(story.mapping(result), place, story)


def _result(result: dict[str, Any], choice: int, story: Story) -> None:
    story.speak("text", story.needed(result.get("generated_text")), choice)
    reason = (story.text(story.needed(result.get("stop_reason"))) or _GOES_ON).lower()
    if reason == "error" and story.rulings.pick(FAILED_FINISH) == "error":
        raise ProviderError("")
    if reason != _GOES_ON:
        story.emit("finish", choice=choice, reason=reason)
    if usage := {name: result[name] for name in _COUNTS if result.get(name)}:
        story.emit("usage", usage=story.exact(usage))


def _last(data: dict[str, Any]) -> bool:
    results = data.get("results")
    return isinstance(results, list) and any(
        isinstance(one, dict) and one.get("stop_reason", _GOES_ON) != _GOES_ON for one in results
    )


_API = Objects(tell=_tell, last=_last)

_RESULT = ("results", None)

WATSONX = Dialect(
    name="watsonx.generation",
    format="sse",
    content_type="text/event-stream",
    path="/generation_stream",
    expect=sse_oracle(_fold),
    source="https://cloud.ibm.com/apidocs/watsonx-ai#text-generation-stream",
    sites={
        "text": ((*_RESULT, "generated_text"),),
        "finish": ((*_RESULT, "stop_reason"),),
        "usage": tuple((*_RESULT, name) for name in _COUNTS),
        "model": (("model_id",),),
        "choices": (("results",),),
    },
    finishes=(
        *("max_tokens", "eos_token", "cancelled", "time_limit"),
        *("stop_sequence", "token_limit", "error"),
    ),
    errors={
        "service": b'id: 9\nevent: error\ndata: {"errors":[{"code":"downstream_request_failed",'
        b'"message":"Downstream request failed"}],"trace":"t","status_code":500}\n\n',
    },
    order=CHAT,
)
