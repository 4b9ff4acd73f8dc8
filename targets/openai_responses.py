"""What the openai package shows of a stream of responses, event by event."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets.shown import fields, number, said
from replayfuzz.worker import Call, Shown

DIALECT = "openai.responses"
_TEXTS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_summary_text.delta": "reasoning",
    "response.reasoning_text.delta": "reasoning",
}
_PIECES = (
    "response.function_call_arguments.delta",
    "response.custom_tool_call_input.delta",
    "response.mcp_call_arguments.delta",
)
_CALLS = {
    "function_call": ("call_id", "arguments"),
    "custom_tool_call": ("call_id", "input"),
    "mcp_call": ("id", "arguments"),
}
_ENDS = ("response.completed", "response.incomplete")


class Events:
    """What one stream shows, event by event."""

    def __init__(self) -> None:
        self._model: str | None = None
        self.unfinished = False

    def shown(self, event: Any) -> Iterator[Shown]:
        """The events of one ``ResponseStreamEvent``."""
        kind = said(getattr(event, "type", None))
        response = getattr(event, "response", None)
        model = said(getattr(response, "model", None))
        if model and model != self._model:
            self._model = model
            yield {"type": "model", "model": model}
        if kind == "response.output_item.added":
            yield from _item(event)
        elif kind in _TEXTS and (text := said(getattr(event, "delta", None))):
            yield {"type": _TEXTS[kind], "choice": 0, "text": text}
        elif kind in _PIECES and (text := said(getattr(event, "delta", None))):
            index = number(event, "output_index", 0)
            yield {"type": "tool", "choice": 0, "index": index, "arguments": text}
        elif kind in _ENDS:
            yield from _end(response)
        elif kind == "error":
            yield {"type": "error", "message": said(getattr(event, "message", None))}
        elif kind == "response.failed":
            error = getattr(response, "error", None)
            yield {"type": "error", "message": said(getattr(error, "message", None))}
        self.unfinished = self.unfinished or kind in ("response.incomplete", "response.failed")


def _item(event: Any) -> Iterator[Shown]:
    item = getattr(event, "item", None)
    kind = said(getattr(item, "type", None))
    if kind in _CALLS:
        id_name, member = _CALLS[kind]
        call: Shown = {"type": "tool", "choice": 0, "index": number(event, "output_index", 0)}
        for name, text in (("id", id_name), ("name", "name"), ("arguments", member)):
            if told := said(getattr(item, text, None)):
                call[name] = told
        yield call
    elif role := said(getattr(item, "role", None)):
        yield {"type": "role", "choice": 0, "role": role}


def _end(response: Any) -> Iterator[Shown]:
    details = getattr(response, "incomplete_details", None)
    reason = said(getattr(details, "reason", None)) or said(getattr(response, "status", None))
    if reason:
        yield {"type": "finish", "choice": 0, "reason": reason}
    usage = fields(getattr(response, "usage", None))
    if usage:
        yield {"type": "usage", "usage": usage}


def sync(client: Any, call: Call) -> Iterator[Shown]:
    """``client.responses.create(stream=True)``, iterated."""
    events = Events()
    for event in client.responses.create(**_request(call), stream=True):
        yield from events.shown(event)


async def later(client: Any, call: Call) -> AsyncIterator[Shown]:
    """The same with the asynchronous client."""
    events = Events()
    async for event in await client.responses.create(**_request(call), stream=True):
        for shown in events.shown(event):
            yield shown


def helper(client: Any, call: Call) -> Iterator[Shown]:
    """``client.responses.stream()``, iterated to its end, and the final response.

    It has none for a response that is incomplete or failed, whose last event says so.
    """
    events = Events()
    with client.responses.stream(**_request(call)) as stream:
        for event in stream:
            yield from events.shown(event)
        if not events.unfinished:
            stream.get_final_response()


def offered(client: Any) -> bool:
    """Whether this release has the API and its helper (1.73 and later)."""
    return hasattr(getattr(client, "responses", None), "stream")


def _request(call: Call) -> dict[str, Any]:
    """Arguments of ``create``; what else was recorded goes into the body as it is."""
    rest = {name: value for name, value in call.request.items() if name != "stream"}
    return {
        "model": rest.pop("model", "gpt-4.1"),
        "input": rest.pop("input", "Hello"),
        "timeout": call.timeout,
        "extra_body": rest or None,
    }
