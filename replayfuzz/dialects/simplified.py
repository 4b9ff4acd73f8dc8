"""The simplified form of streaming daemons: pieces of text, an error, ``[DONE]``.

``{"content": "…"}`` and ``{"error": "…"}``, in data-only events, and ``[DONE]`` last. What a daemon
writes itself is read by ``relayed``, which also tells what is wrong with it; this is the oracle
for whoever reads such a stream.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import ProviderError, Story, message_of


def _tell(value: dict[str, Any], story: Story) -> None:
    if value.get("error"):
        raise ProviderError(message_of(value))
    story.speak("text", story.needed(value.get("content")))


_API = Objects(tell=_tell, last=lambda _: False, marker="[DONE]")

SIMPLIFIED = Dialect(
    name="simplified",
    format="sse",
    content_type="text/event-stream",
    path="/simplified",
    expect=object_oracle(_API),
    source="https://github.com/rlerdorf/mod_socket_handoff",
    terminal=b"data: [DONE]\n\n",
    sites={"text": (("content",),)},
    errors={
        "error": b'data: {"error":"upstream failed"}\n\n',
    },
    order=CHAT,
)
