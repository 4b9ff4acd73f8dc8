"""Runs of OpenAI's assistants, as the streaming documentation has them.

Only the event's name says what its data is: a thread, a run, a step of it, a message, or a delta
of one of the latter. The finish reason is the run's last status, or why it is incomplete; calls of
functions are tool calls, what the run does with tools of its own is not told.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects.chunks import body_error, ends_in_done
from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.named import error_message, unknown
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import OTHER_EVENT
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.dialects.streams import SseStream, sse_oracle
from replayfuzz.formats.sse import ServerEvent
from replayfuzz.transcript import Expected, Transcript

_DONE = "[DONE]"
_BEGUN = ("created", "queued", "in_progress", "cancelling")
LAST = ("requires_action", "completed", "incomplete", "cancelled", "expired", "failed")
"""Statuses that a run stops in, and so ends its stream."""

_OVER = ("completed", "incomplete", "failed", "cancelled", "expired")
_KNOWN = frozenset(
    {"error", "done", "thread.created"}
    | {f"thread.run.{status}" for status in (*_BEGUN, *LAST)}
    | {f"thread.run.step.{status}" for status in ("created", "in_progress", "delta", *_OVER)}
    | {
        f"thread.message.{status}"
        for status in ("created", "in_progress", "delta", "completed", "incomplete")
    }
)


class _Run:
    """What a stream told so far of one run."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.began = False
        self.over = False
        self.open: dict[str, str] = {}  # messages and steps by id: the text that each said

    def doubt(self, doubtful: object) -> None:
        """Where *doubtful*, the stream is not a documented one: a reader may refuse it."""
        self.story.strict = self.story.strict and not doubtful

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """One event whose name is documented."""
        if name == "thread.created":
            self.doubt(self.began)
            return
        self.doubt((name == "thread.run.created") == self.began or self.over)
        self.began = True
        owner, _, status = name.removeprefix("thread.").rpartition(".")
        match owner:
            case "run":
                self._run(status, data)
            case "run.step":
                self._part(status, data)
            case _:
                self._part(status, data)
                if status == "created" and (role := self.story.text(data.get("role"))):
                    self.story.emit("role", choice=0, role=role)

    def _run(self, status: str, data: dict[str, Any]) -> None:
        self.story.model(self.story.needed(data.get("model")))
        if status == "failed":
            raise ProviderError(message_of(data.get("last_error")))
        if status not in LAST:
            return
        self.doubt(status != data.get("status") or (status == "completed" and self.open))
        self.over = True
        if status == "requires_action":
            self._asked(data)
        if status == "incomplete":
            details = self.story.mapping(self.story.needed(data.get("incomplete_details")))
            status = self.story.text(self.story.needed(details.get("reason"))) or status
        self.story.emit("finish", choice=0, reason=status)
        if usage := self.story.mapping(data.get("usage")):
            report_usage(usage, self.story)

    def _part(self, status: str, data: dict[str, Any]) -> None:
        """An event about a message or a step: it opens, says something, and is over."""
        key = self.story.text(self.story.needed(data.get("id"))) or ""
        self.doubt((status == "created") == (key in self.open))
        if status == "delta":
            self._delta(key, self.story.mapping(self.story.needed(data.get("delta"))))
        elif status in _OVER:
            said = self.open.pop(key, "")
            self.doubt(status == "completed" and said != "".join(_texts(data.get("content"))))
        else:
            self.open.setdefault(key, "")

    def _delta(self, key: str, delta: dict[str, Any]) -> None:
        content = self.story.items(delta.get("content"))
        self.open[key] = self.open.get(key, "") + "".join(_texts(content))
        for part in map(self.story.mapping, content):
            if part.get("type") == "text":
                text = self.story.mapping(part.get("text"))
                self.story.speak("text", text.get("value"))
            elif part.get("type") == "refusal":
                self.story.speak("refusal", part.get("refusal"))
        details = self.story.mapping(delta.get("step_details"))
        for place, call in enumerate(self.story.items(details.get("tool_calls"))):
            self._call(self.story.mapping(call), place)

    def _call(self, call: dict[str, Any], place: int) -> None:
        if call.get("type") != "function":
            return
        function = self.story.mapping(call.get("function"))
        self.story.emit(
            "tool",
            choice=0,
            index=self.story.number(call.get("index"), place),
            id=self.story.text(call.get("id")) or None,
            name=self.story.text(function.get("name")) or None,
            arguments=self.story.text(function.get("arguments")),
        )

    def _asked(self, data: dict[str, Any]) -> None:
        """The run waits for these calls; they are those that its steps told of in pieces."""
        action = self.story.mapping(self.story.needed(data.get("required_action")))
        asked = self.story.mapping(action.get("submit_tool_outputs"))
        calls = [self.story.mapping(call) for call in self.story.items(asked.get("tool_calls"))]
        told = Transcript(tuple(self.story.events)).tools().values()
        if not told:
            for place, call in enumerate(calls):
                self._call({**call, "index": place}, place)
        again = [
            (call.get("id"), function.get("name"), function.get("arguments"))
            for call in calls
            for function in [self.story.mapping(call.get("function"))]
        ]
        self.doubt([(call.id, call.name, call.arguments) for call in told] != again)


def _texts(content: Any) -> list[str]:
    """The strings in a message's content: text, or a refusal."""
    found = []
    for part in content if isinstance(content, list) else ():
        inner = part.get("text") if isinstance(part, dict) else None
        value = inner.get("value") if isinstance(inner, dict) else None
        refusal = part.get("refusal") if isinstance(part, dict) else None
        found += [text for text in (value, refusal) if isinstance(text, str)]
    return found


def _fold(stream: SseStream, story: Story) -> Expected:
    run = _Run(story)
    try:
        for item in stream.events:
            if _is_done(item, story):
                story.terminal = True
                break
            _event(item, run)
    except ProviderError as error:
        return story.failed(error.message)
    if not story.terminal and ends_in_done(stream, story):
        story.terminal = True
    if story.terminal:
        story.emit("done")
    return story.whole(finished=run.over, marker_needed=False)


def _is_done(item: ServerEvent, story: Story) -> bool:
    if item.event == "done":
        story.strict = story.strict and item.data == _DONE
        return True
    return item.data.strip() == _DONE and story.rulings.pick(OTHER_EVENT) == "read"


def _event(item: ServerEvent, run: _Run) -> None:
    if item.event == "error":
        raise ProviderError(error_message(item.data, run.story))
    if item.event not in _KNOWN:
        data = unknown(item.data, run.story)
        if data and item.event == "message":
            run.doubt(True)  # an event without its name: nothing says what its data is
            if data.get("error"):
                raise ProviderError(message_of(data))
        return
    found = run.story.json(item.data)
    if found is not None:
        run.tell(item.event, found)


_RUN = (
    b'{"id":"run_1","object":"thread.run","created_at":1,"assistant_id":"asst_1","thread_id":'
    b'"thread_1","status":"failed","last_error":{"code":"server_error","message":"Sorry, something '
    b'went wrong."},"model":"m","usage":null}'
)
ERRORS = {
    "error event": b'event: error\ndata: {"error":{"message":"The server had an error processing '
    b'your request","type":"server_error","param":null,"code":null}}\n\n',
    "bare error object": b'event: error\ndata: {"code":"rate_limit_exceeded","message":"Rate limit '
    b'reached","param":null,"type":"tokens"}\n\n',
    "run failed": b"event: thread.run.failed\ndata: " + _RUN + b"\n\n",
}

_ENDS = tuple(f"thread.run.{status}" for status in LAST)
_CALL = ("delta", "step_details", "tool_calls", None)

OPENAI_ASSISTANTS = Dialect(
    name="openai.assistants",
    format="sse",
    content_type="text/event-stream",
    path="/v1/threads/runs",
    expect=sse_oracle(_fold, error=body_error),
    source="https://platform.openai.com/docs/api-reference/assistants-streaming",
    terminal=b"event: done\ndata: [DONE]\n\n",
    sites={
        "text": (("delta", "content", None, "text", "value"),),
        "refusal": (("delta", "content", None, "refusal"),),
        "arguments": ((*_CALL, "function", "arguments"),),
        "finish": (("status",),),
        "role": (("role",),),
        "usage": (("usage",),),
        "model": (("model",),),
        "delta": (("delta",),),
        "tool_id": ((*_CALL, "id"),),
        "tool_name": ((*_CALL, "function", "name"),),
        "tool_index": ((*_CALL, "index"),),
        "type": (("object",),),
    },
    only={
        "finish": _ENDS,
        "usage": _ENDS,
        "role": ("thread.message.created",),
    },
    finishes=("completed", "requires_action", "cancelled", "expired"),
    errors=ERRORS,
    order=CHAT,
)
