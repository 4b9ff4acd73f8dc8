"""Gemini's Interactions: typed SSE events from ``interaction.created`` to ``.completed``.

An interaction is a list of steps, each started, filled by deltas, and stopped: a thought (told as
reasoning, where it has a summary), what the model says, a call of a function. Calls of Google's
own tools and their results are not told. The finish reason is the status that the interaction
completed with, and ``event: done`` with ``[DONE]`` follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.objects import Objects, object_oracle
from replayfuzz.dialects.order import CHAT
from replayfuzz.dialects.rulings import FAILED_FINISH
from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.formats.json_text import canonical

_LAST = "interaction.completed"


class _Steps:
    """The walk through the steps of one interaction.

    A stream that leaves the documented flow (an event lost, doubled, out of place) is not a
    documented one, so a reader may refuse it.
    """

    def __init__(self) -> None:
        self._created = False
        self._begun = 0
        self._open: set[int] = set()

    def tell(self, data: dict[str, Any], story: Story) -> None:
        """Report what one event says."""
        kind = story.text(story.needed(data.get("event_type"))) or ""
        if kind == "error" or (not kind and data.get("error")):
            raise ProviderError(message_of(data))
        tell = _TELL.get(kind)
        if tell is None:
            return  # interaction.status_update, and types to come
        if not self._fits(kind, data, story):
            story.strict = False
        tell(data, story)

    def _fits(self, kind: str, data: dict[str, Any], story: Story) -> bool:
        """Whether this event may come here."""
        before, self._created = self._created, True
        if kind == "interaction.created":
            return not before
        if kind == _LAST:
            return before and not self._open
        index = story.number(data.get("index"), -1)
        right = before and index in self._open
        if kind == "step.start":
            right = before and index == self._begun
            self._begun += 1
            self._open.add(index)
        elif kind == "step.stop":
            self._open.discard(index)
        return right


def _created(data: dict[str, Any], story: Story) -> None:
    interaction = story.mapping(story.needed(data.get("interaction")))
    story.needed(interaction.get("id"))
    story.model(interaction.get("model"))


def _start(data: dict[str, Any], story: Story) -> None:
    step = story.mapping(story.needed(data.get("step")))
    match story.text(story.needed(step.get("type"))):
        case "model_output":
            _contents(step.get("content"), "text", story)
        case "thought":
            _contents(step.get("summary"), "reasoning", story)
        case "function_call":
            given = story.exact(story.mapping(step.get("arguments")))
            story.emit(
                "tool",
                choice=0,
                index=story.number(data.get("index"), 0),
                id=story.text(story.needed(step.get("id"))) or None,
                name=story.text(story.needed(step.get("name"))) or None,
                arguments=canonical(given) if given else None,
            )
        case _:
            pass  # calls of tools that are Google's own, and types to come


def _contents(contents: Any, kind: str, story: Story) -> None:
    for content in map(story.mapping, story.items(contents)):
        if content.get("type") == "text":
            story.speak(kind, story.needed(content.get("text")))


def _delta(data: dict[str, Any], story: Story) -> None:
    delta = story.mapping(story.needed(data.get("delta")))
    match story.text(story.needed(delta.get("type"))):
        case "text":
            story.speak("text", story.needed(delta.get("text")))
        case "thought_summary":
            _contents([delta.get("content")], "reasoning", story)
        case "arguments_delta":
            if piece := story.text(delta.get("arguments")):
                index = story.number(data.get("index"), 0)
                story.emit("tool", choice=0, index=index, arguments=piece)
        case _:
            pass  # signatures, annotations, pictures and sounds, and types to come


def _stop(_data: dict[str, Any], _story: Story) -> None:
    """What the step said came before."""


def _completed(data: dict[str, Any], story: Story) -> None:
    interaction = story.mapping(story.needed(data.get("interaction")))
    story.model(interaction.get("model"))
    status = story.text(story.needed(interaction.get("status")))
    if status == "failed" and story.rulings.pick(FAILED_FINISH) == "error":
        raise ProviderError("")
    if status:
        story.emit("finish", choice=0, reason=status)
    if usage := story.mapping(interaction.get("usage")):
        story.emit("usage", usage=story.exact(usage))
    story.terminal = True


_TELL: dict[str, Callable[[dict[str, Any], Story], None]] = {
    "interaction.created": _created,
    "step.start": _start,
    "step.delta": _delta,
    "step.stop": _stop,
    _LAST: _completed,
}
_API = Objects(
    tell=_Steps().tell,
    begin=lambda: _Steps().tell,
    last=lambda data: data.get("event_type") == _LAST,
    names=frozenset({"message", "interaction.status_update", *_TELL}),
    marker="[DONE]",
    finish=True,
    closes=False,  # [DONE] follows
)

GEMINI_INTERACTIONS = Dialect(
    name="gemini.interactions",
    format="sse",
    content_type="text/event-stream",
    path="/v1beta/interactions",
    expect=object_oracle(_API),
    source="https://ai.google.dev/gemini-api/docs/interactions/streaming",
    terminal=b"event: done\ndata: [DONE]\n\n",
    sites={
        "text": (("delta", "text"), ("step", "content", None, "text")),
        "reasoning": (("delta", "content", "text"), ("step", "summary", None, "text")),
        "arguments": (("delta", "arguments"),),
        "finish": (("interaction", "status"),),
        "usage": (("interaction", "usage"),),
        "model": (("interaction", "model"),),
        "delta": (("delta",),),
        "tool_id": (("step", "id"),),
        "tool_name": (("step", "name"),),
        "tool_index": (("index",),),
        "type": (("event_type",),),
    },
    only={"finish": (_LAST,)},
    finishes=(
        *("completed", "requires_action", "incomplete", "cancelled", "failed"),
        *("budget_exceeded", "requires_continuation"),
    ),
    errors={
        "unavailable": b'event: error\ndata: {"error":{"code":"service_unavailable","message":'
        b'"The model is overloaded."},"event_type":"error"}\n\n',
    },
    order=CHAT,
)
