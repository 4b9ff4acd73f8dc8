"""The events of an HTTP inference worker, in two generations.

``worker.execute``: started, token and metrics, then exactly one of end and error, last.
``worker.jobs`` (``GET /v1/jobs/{id}/stream``): no end event; ``[DONE]`` always comes, after an
error too, and narration may come anywhere. Each event has its name in ``type``, and may have it
as SSE event name.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import ProviderError, Story, message_of

_COUNTS = ("tokens_out", "decode_time_ms")
_NAMES = frozenset({"message", "started", "token", "metrics", "end", "error"})


def _tell(data: dict[str, Any], story: Story) -> None:
    kind = story.text(story.needed(data.get("type")))
    if kind == "error":
        story.needed(data.get("code"))
        raise ProviderError(message_of(data))
    if (kind == "started") == bool(story.events):
        story.strict = False  # "started first", and once
    match kind:
        case "started":
            story.needed(data.get("job_id"))
            story.model(story.needed(data.get("model")))
        case "token":
            if data.get("i") != story.calls:
                story.strict = False  # one is missing or comes twice
            story.calls += 1
            story.speak("text", story.needed(data.get("t")))
        case "end":
            _end(data, story)
        case "metrics" | "narration":
            pass
        case _:
            story.strict = False


def _end(data: dict[str, Any], story: Story) -> None:
    if reason := story.text(story.needed(data.get("stop_reason"))):
        story.emit("finish", choice=0, reason=reason)
    counts = {name: data[name] for name in _COUNTS if story.needed(data.get(name)) is not None}
    if counts:
        story.emit("usage", usage=story.exact(counts))
    story.terminal = True


_EXECUTE = Objects(
    tell=_tell,
    last=lambda data: data.get("type") == "end",
    names=_NAMES,
    finish=True,
    # "exactly one terminal (end or error), last": the end of the message is not awaited in it.
    closes=False,
)
_JOBS = Objects(tell=_tell, last=lambda _: False, names=_NAMES, marker="[DONE]")

_SITES = {"text": (("t",),), "model": (("model",),), "type": (("type",),)}

WORKER_EXECUTE = Dialect(
    name="worker.execute",
    format="sse",
    content_type="text/event-stream",
    path="/execute",
    expect=object_oracle(_EXECUTE),
    source="https://github.com/veighnsche/llama-orch",
    sites={
        **_SITES,
        "finish": (("stop_reason",),),
        "usage": tuple((name,) for name in _COUNTS),
    },
    finishes=("max_tokens", "stop_sequence", "eos", "error", "cancelled"),
    errors={
        "out of memory": b'event: error\ndata: {"type":"error","code":"VRAM_OOM",'
        b'"message":"out of VRAM"}\n\n',
        "without a name": b'data: {"type":"error","code":"INFERENCE_FAILED",'
        b'"message":"inference failed"}\n\n',
    },
    order=CHAT,
)

WORKER_JOBS = Dialect(
    name="worker.jobs",
    format="sse",
    content_type="text/event-stream",
    path="/stream",
    expect=object_oracle(_JOBS),
    source="https://github.com/veighnsche/llama-orch",
    terminal=b"data: [DONE]\n\n",
    sites=_SITES,
    errors={
        "inference failed": b'data: {"type":"error","code":"INFERENCE_FAILED",'
        b'"message":"inference failed"}\n\n',
    },
    order=CHAT,
)
