"""Text Generation Inference's ``/generate_stream``: one token an event.

The last one repeats the whole text as ``generated_text``; finish reason and count come with
it where the request asked for details.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import SPECIAL_TOKENS
from replayfuzz.dialects.story import ProviderError, Story, message_of


def _tell(data: dict[str, Any], story: Story) -> None:
    if data.get("error"):
        raise ProviderError(message_of(data))
    token = story.mapping(story.needed(data.get("token")))
    text = story.needed(token.get("text"))
    if token.get("special") is not True or (text and story.rulings.pick(SPECIAL_TOKENS) == "read"):
        story.speak("text", text)
    if data.get("generated_text") is None:
        return
    story.text(data["generated_text"])
    details = story.mapping(data.get("details"))
    if reason := story.text(details.get("finish_reason")):
        story.emit("finish", choice=0, reason=reason)
    if details.get("generated_tokens") is not None:
        counts = {"generated_tokens": details["generated_tokens"]}
        story.emit("usage", usage=story.exact(counts))
    story.terminal = True


_API = Objects(tell=_tell, last=lambda data: data.get("generated_text") is not None, closes=False)

TGI_GENERATE = Dialect(
    name="tgi.generate_stream",
    format="sse",
    content_type="text/event-stream",
    path="/generate_stream",
    expect=object_oracle(_API),
    source="https://huggingface.github.io/text-generation-inference/",
    sites={
        "text": (("token", "text"),),
        "finish": (("details", "finish_reason"),),
        "usage": (("details", "generated_tokens"),),
    },
    finishes=("length", "eos_token", "stop_sequence"),
    errors={
        "generation": b'data:{"error":"Request failed during generation: Server error: '
        b'CUDA out of memory","error_type":"generation"}\n\n',
        "validation": b'data:{"error":"Input validation error: `inputs` must have less than '
        b'4096 tokens","error_type":"validation"}\n\n',
    },
    order=CHAT,
)
