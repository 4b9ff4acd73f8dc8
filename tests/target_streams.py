"""Small unbent streams for shipped adapters: each has text, a tool call, a finish and counts."""

import json

from replayfuzz.formats import aws_event_stream

TEXT = "Hé 😀"


def sse(value, name=""):
    """One event with *value* as its JSON, named or not."""
    named = f"event: {name}\n" if name else ""
    return f"{named}data: {json.dumps(value, ensure_ascii=False)}\n\n"


def lines(*values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)


def _mistral(finish=None, **delta):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    counts = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return sse({**chunk, "choices": [choice], **({"usage": counts} if finish else {})})


_THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
_CALL = {"id": "call_1", "index": 0, "function": {"name": "f", "arguments": '{"a":1}'}}

MISTRAL = (
    _mistral(role="assistant", content="")
    + _mistral(content=[_THOUGHT])
    + _mistral(content=TEXT)
    + _mistral("tool_calls", content="", tool_calls=[_CALL])
    + "data: [DONE]\n\n"
)


def _gemini(part, **more):
    content = {"parts": [part], "role": "model"}
    return sse(
        {
            "candidates": [{"content": content, "index": 0, **more}],
            "usageMetadata": {"promptTokenCount": 1, "totalTokenCount": 3},
            "modelVersion": "m",
        }
    )


GEMINI = (
    _gemini({"text": "Hm.", "thought": True})
    + _gemini({"text": TEXT})
    + _gemini({"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}}, finishReason="STOP")
)

_COUNTS = {"billed_units": {"input_tokens": 1}, "tokens": {"output_tokens": 2}}

COHERE_1 = lines(
    {"is_finished": False, "event_type": "stream-start", "generation_id": "g"},
    {"is_finished": False, "event_type": "tool-calls-chunk", "text": "Hm."},
    {"is_finished": False, "event_type": "text-generation", "text": TEXT},
    {
        "is_finished": False,
        "event_type": "tool-calls-generation",
        "tool_calls": [{"name": "f", "parameters": {"a": 1}}],
    },
    {
        "is_finished": True,
        "event_type": "stream-end",
        "finish_reason": "COMPLETE",
        "response": {"response_id": "r", "text": TEXT, "meta": _COUNTS},
    },
)


def _cohere(kind, message=None, **more):
    told = {} if message is None else {"delta": {"message": message}}
    return sse({"type": kind, **told, **more}, kind)


COHERE_2 = (
    _cohere("message-start", {"role": "assistant", "content": [], "tool_calls": []}, id="m")
    + _cohere("tool-plan-delta", {"tool_plan": "Hm."})
    + _cohere("content-start", {"content": {"type": "text", "text": ""}}, index=0)
    + _cohere("content-delta", {"content": {"text": TEXT}}, index=0)
    + _cohere("content-end", index=0)
    + _cohere(
        "tool-call-start",
        {"tool_calls": {"id": "c", "type": "function", "function": {"name": "f"}}},
        index=0,
    )
    + _cohere("tool-call-delta", {"tool_calls": {"function": {"arguments": '{"a":'}}}, index=0)
    + _cohere("tool-call-delta", {"tool_calls": {"function": {"arguments": "1}"}}}, index=0)
    + _cohere("tool-call-end", index=0)
    + _cohere("message-end", delta={"finish_reason": "TOOL_CALL", "usage": _COUNTS})
    + "data: [DONE]\n\n"
)


def _converse(kind, **value):
    return aws_event_stream.event(kind, json.dumps(value).encode())


_PIECES = ({"text": TEXT}, {"reasoningContent": {"text": "Hm."}}, {"toolUse": {"input": '{"a":1}'}})
_BEGUN = {"toolUse": {"toolUseId": "c", "name": "f"}}

CONVERSE = b"".join(
    [
        _converse("messageStart", role="assistant"),
        _converse("contentBlockDelta", contentBlockIndex=0, delta=_PIECES[1]),
        _converse("contentBlockStop", contentBlockIndex=0),
        _converse("contentBlockDelta", contentBlockIndex=1, delta=_PIECES[0]),
        _converse("contentBlockStop", contentBlockIndex=1),
        _converse("contentBlockStart", contentBlockIndex=2, start=_BEGUN),
        _converse("contentBlockDelta", contentBlockIndex=2, delta=_PIECES[2]),
        _converse("contentBlockStop", contentBlockIndex=2),
        _converse("messageStop", stopReason="tool_use"),
        _converse("metadata", usage={"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}),
    ]
)
