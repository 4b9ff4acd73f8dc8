"""The events of an HTTP inference worker, in two generations.

``worker.execute``: started, token and metrics, then exactly one of end and error, last.
``worker.jobs`` (``GET /v1/jobs/{id}/stream``): no end event; ``[DONE]`` always comes, after an
error too, and narration may come anywhere. Each event has its name in ``type``, and may have it
as SSE event name.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, walk
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.transcript import Expected

_COUNTS = ("tokens_out", "decode_time_ms")
_NAMES = frozenset({"message", "started", "token", "metrics", "end", "error"})


def _execute(stream: SseStream, story: Story) -> Expected:
    try:
        walk(stream, story, _EXECUTE)
    except ProviderError as error:
        return story.failed(error.message)
    if story.terminal:
        story.emit("done")
    finished = any(event.type == "finish" for event in story.events)
    # "exactly one terminal (end or error), last": the end of the message is not awaited in it.
    return replace(story.whole(finished=finished), closes=False)


def _jobs(stream: SseStream, story: Story) -> Expected:
    try:
        walk(stream, story, _JOBS)
    except ProviderError as error:
        return story.failed(error.message)
    if story.terminal:
        story.emit("done")
    return story.whole(finished=True)


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


_EXECUTE = Objects(tell=_tell, last=lambda data: data.get("type") == "end", names=_NAMES)
_JOBS = Objects(tell=_tell, last=lambda _: False, names=_NAMES, marker="[DONE]")

_SITES = {"text": (("t",),), "model": (("model",),), "type": (("type",),)}

WORKER_EXECUTE = Dialect(
    name="worker.execute",
    format="sse",
    content_type="text/event-stream",
    path="/execute",
    expect=sse_oracle(_execute),
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
    expect=sse_oracle(_jobs),
    source="https://github.com/veighnsche/llama-orch",
    terminal=b"data: [DONE]\n\n",
    sites=_SITES,
    errors={
        "inference failed": b'data: {"type":"error","code":"INFERENCE_FAILED",'
        b'"message":"inference failed"}\n\n',
    },
    order=CHAT,
)
