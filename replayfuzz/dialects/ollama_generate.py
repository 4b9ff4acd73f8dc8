"""Ollama's ``/api/generate``: as ``/api/chat``, with the text in ``response`` and no message."""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.ollama_lines import COUNTS, ERRORS, FINISHES, oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import Story


def _tell(record: dict[str, Any], story: Story) -> None:
    story.speak("reasoning", record.get("thinking"))
    story.speak("text", story.needed(record.get("response")))


OLLAMA_GENERATE = Dialect(
    name="ollama.generate",
    format="ndjson",
    content_type="application/x-ndjson",
    path="/api/generate",
    expect=oracle(_tell),
    source="https://github.com/ollama/ollama/blob/main/docs/api.md",
    sites={
        "text": (("response",),),
        "reasoning": (("thinking",),),
        "finish": (("done_reason",),),
        "usage": tuple((name,) for name in COUNTS),
        "model": (("model",),),
    },
    finishes=FINISHES,
    errors=ERRORS,
    order=CHAT,
)
