"""What an OpenAI response says, item by item, and whether it says the same throughout.

What an item says comes in pieces (``.delta``), then whole (``.done``, ``output_item.done``), and
once more in the response that ends the stream: a stream that contradicts itself is not a
documented one. Where a follower sends no pieces, the whole is what was said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from replayfuzz.dialects.counts import report_usage
from replayfuzz.dialects.story import Story

CALLS = {
    "function_call": ("call_id", "arguments"),
    "custom_tool_call": ("call_id", "input"),
    "mcp_call": ("id", "arguments"),
}
"""Items that are tool calls: the members that hold the call's id, and what it is called with."""

PIECES = {
    "response.output_text": ("text", "text"),
    "response.refusal": ("refusal", "refusal"),
    "response.reasoning_summary_text": ("reasoning", "text"),
    "response.reasoning_text": ("reasoning", "text"),
    "response.function_call_arguments": ("tool", "arguments"),
    "response.custom_tool_call_input": ("tool", "input"),
    "response.mcp_call_arguments": ("tool", "arguments"),
}
"""Names that come as ``.delta`` and ``.done``: the event that a piece is told as, and the member
of ``.done`` that holds all pieces."""

FAILED = "response.failed"
TERMINALS = ("response.completed", "response.incomplete")
OPENING = ("response.created", "response.queued", "response.in_progress")
_ITEMS = ("response.output_item.added", "response.output_item.done")
KNOWN = frozenset(
    {"error", FAILED, *TERMINALS, *OPENING, *_ITEMS}
    | {f"{name}.{step}" for name in PIECES for step in ("delta", "done")}
)
_PARTS = ("content_index", "summary_index")


@dataclass(slots=True)
class _Item:
    """One item of the response's output: what its pieces said, by event type and part."""

    kind: str
    whole: bool = False
    said: dict[tuple[str, Any, Any], str] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Whether such items are told of here; OpenAI leaves others (mcp_list_tools) open."""
        return self.kind in (*CALLS, "message", "reasoning")

    def joined(self, kind: str) -> str:
        """All that was said of that event type."""
        return "".join(text for (told, *_), text in self.said.items() if told == kind)


class Answer:
    """What a stream told so far of one response."""

    def __init__(self, story: Story) -> None:
        self.story = story
        self.began = False
        self.number = 0
        self.items: dict[int, _Item] = {}

    def doubt(self, doubtful: object) -> None:
        """Where *doubtful*, the stream is not a documented one: a reader may refuse it."""
        self.story.strict = self.story.strict and not doubtful

    def count(self, number: Any, *, known: bool) -> None:
        """One more event with that ``sequence_number``; those we do not know may have none."""
        if number is None and not known:
            return
        self.doubt(number != self.number)
        self.number = self.story.number(number, self.number) + 1

    def item(self, data: dict[str, Any]) -> tuple[int, _Item]:
        """The item that an event is about, known or not."""
        index = self.story.number(data.get("output_index"), 0)
        self.doubt(index not in self.items or self.items[index].whole)
        return index, self.items.setdefault(index, _Item(""))

    def opening(self, name: str, data: dict[str, Any]) -> None:
        """``response.created``, ``.queued``, ``.in_progress``."""
        self.doubt((name == "response.created") == self.began)
        self.began = True
        response = self.story.mapping(self.story.needed(data.get("response")))
        self.story.model(self.story.needed(response.get("model")))

    def added(self, _name: str, data: dict[str, Any]) -> None:
        """``response.output_item.added``: a message says its role, a call its id and name."""
        item = self.story.mapping(self.story.needed(data.get("item")))
        index = self.story.number(data.get("output_index"), len(self.items))
        self.doubt(index in self.items)
        kind = self.story.text(self.story.needed(item.get("type"))) or ""
        self.items[index] = _Item(kind)
        if kind in CALLS:
            self._call(index, kind, item)
        elif kind == "message" and (role := self.story.text(self.story.needed(item.get("role")))):
            self.story.emit("role", choice=0, role=role)

    def _call(self, index: int, kind: str, item: dict[str, Any]) -> None:
        id_member, member = CALLS[kind]
        given = self.story.text(self.story.needed(item.get(member)))
        self.items[index].said["tool", None, None] = given or ""
        self.story.emit(
            "tool",
            choice=0,
            index=index,
            id=self.story.text(self.story.needed(item.get(id_member))),
            name=self.story.text(self.story.needed(item.get("name"))),
            arguments=given,
        )

    def piece(self, name: str, data: dict[str, Any]) -> None:
        """``….delta``."""
        kind, _ = PIECES[name.removesuffix(".delta")]
        index, item = self.item(data)
        self.say(index, item, self._part(kind, data), self.story.needed(data.get("delta")))

    def say(self, index: int, item: _Item, part: tuple[str, Any, Any], text: Any) -> None:
        """Tell a piece of text, unless it is empty."""
        told = self.story.text(text)
        item.said[part] = item.said.get(part, "") + (told or "")
        if not told:
            return
        if part[0] == "tool":
            self.story.emit("tool", choice=0, index=index, arguments=told)
        else:
            self.story.emit(part[0], choice=0, text=told)

    @staticmethod
    def _part(kind: str, data: dict[str, Any]) -> tuple[str, Any, Any]:
        if kind == "tool":
            return (kind, None, None)
        name = next((name for name in _PARTS if name in data), None)
        return (kind, name, str(data.get(name or "")))

    def pieces_done(self, name: str, data: dict[str, Any]) -> None:
        """``….done``: all pieces of a part once more; where none came, it is what was said."""
        kind, member = PIECES[name.removesuffix(".done")]
        index, item = self.item(data)
        part = self._part(kind, data)
        whole = self.story.needed(data.get(member))
        self.doubt(item.said.get(part, "") != whole)
        if not item.said.get(part):
            self.say(index, item, part, whole)

    def done(self, _name: str, data: dict[str, Any]) -> None:
        """``response.output_item.done``: the item once more, whole."""
        index, item = self.item(data)
        item.whole = True
        self.again(index, item, self.story.mapping(self.story.needed(data.get("item"))))

    def again(self, index: int, item: _Item, said: dict[str, Any]) -> None:
        """An item told once more; where it told nothing before, it is what was said."""
        for kind, text in _texts(said):
            self.doubt(kind != "reasoning" and item.joined(kind) != text)
            if not item.joined(kind):
                self.say(index, item, (kind, None, None), text)

    def terminal(self, name: str, data: dict[str, Any]) -> None:
        """``response.completed``, ``.incomplete``."""
        response = self.story.mapping(self.story.needed(data.get("response")))
        status = self.story.text(response.get("status"))
        self.doubt(f"response.{status}" != name)
        self.story.model(self.story.needed(response.get("model")))
        whole = name == "response.completed"
        self.doubt(whole and any(not item.whole for item in self.items.values() if item.told))
        for index, said in enumerate(self.story.items(self.story.needed(response.get("output")))):
            self.doubt(index not in self.items)
            item = self.items.setdefault(index, _Item(""))
            self.again(index, item, self.story.mapping(said))
        reason = status or name.removeprefix("response.")
        if not whole:
            details = self.story.mapping(self.story.needed(response.get("incomplete_details")))
            reason = self.story.text(self.story.needed(details.get("reason"))) or reason
        self.story.emit("finish", choice=0, reason=reason)
        if usage := self.story.mapping(response.get("usage")):
            report_usage(usage, self.story)
        self.story.terminal = True


def _texts(item: dict[str, Any]) -> list[tuple[str, str]]:
    """What a whole item says, by event type; parts joined."""
    kind = item.get("type")
    if isinstance(kind, str) and kind in CALLS:
        return [("tool", _string(item.get(CALLS[kind][1])))]
    parts = [
        part
        for member in ("summary", "content")
        if isinstance(item.get(member), list)
        for part in item[member]
        if isinstance(part, dict)
    ]
    if kind == "reasoning":
        return [("reasoning", "".join(_string(part.get("text")) for part in parts))]
    if kind != "message":
        return []
    return [(name, "".join(_string(part.get(name)) for part in parts)) for name in _SAID]


_SAID = ("text", "refusal")


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""
