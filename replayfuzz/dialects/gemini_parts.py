"""What one GenerateContentResponse says: Gemini's chunks, whatever frames them.

A function call is whole in its chunk; its arguments are told as canonical JSON text, to be
compared as values. Vertex AI can also send a call in pieces (``partialArgs``); it is told when
its last piece has come. Members that are missing have the default of their type, as in all
JSON of protocol buffers: the index of the first candidate is not sent.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from replayfuzz.dialects.story import ProviderError, Story, message_of
from replayfuzz.formats.json_text import canonical

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]")
_KINDS = ("stringValue", "numberValue", "boolValue", "nullValue")

FINISHES = (
    *("STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "LANGUAGE", "OTHER", "BLOCKLIST"),
    *("PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "MODEL_ARMOR"),
    *("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS"),
)

_PART = ("candidates", None, "content", "parts", None)
_CALL = (*_PART, "functionCall")

SITES = {
    "text": ((*_PART, "text"),),
    "arguments": ((*_CALL, "args"),),
    "finish": (("candidates", None, "finishReason"),),
    "role": (("candidates", None, "content", "role"),),
    "usage": (("usageMetadata",),),
    "model": (("modelVersion",),),
    "choices": (("candidates",),),
    "delta": (("candidates", None, "content"),),
    "tool_id": ((*_CALL, "id"),),
    "tool_name": ((*_CALL, "name"),),
}


class Candidates:
    """Walks through the chunks of one stream."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._call: dict[str, Any] | None = None  # that comes in pieces
        self._values: dict[str, Any] = {}
        self._begun: set[int] = set()  # candidates whose role was told

    def tell(self, chunk: dict[str, Any]) -> None:
        """Report what *chunk* says.

        Raises:
            ProviderError: It is an error.
        """
        story = self._story
        if chunk.get("error"):
            raise ProviderError(message_of(chunk))
        if not {"candidates", "promptFeedback", "usageMetadata"} & chunk.keys():
            story.strict = False  # "Candidate responses from the model.": none, and no reason
        story.model(chunk.get("modelVersion"))
        for candidate in map(story.mapping, story.items(chunk.get("candidates"))):
            self._candidate(candidate)
        feedback = story.mapping(chunk.get("promptFeedback"))
        if reason := story.text(feedback.get("blockReason")):
            # "If set, the prompt was blocked and no candidates are returned."
            story.emit("finish", choice=0, reason=reason)
        if usage := story.mapping(chunk.get("usageMetadata")):
            story.emit("usage", usage=story.exact(usage))

    @property
    def finished(self) -> bool:
        """Whether every candidate is at its end.

        "finishReason: If empty, the model has not stopped generating tokens."
        """
        spoken = {event.get("choice") for event in self._story.events if "choice" in event.values}
        finished = {e.get("choice") for e in self._story.events if e.type == "finish"}
        return bool(finished) and spoken <= finished and self._call is None

    def _candidate(self, candidate: dict[str, Any]) -> None:
        story = self._story
        index = story.number(candidate.get("index", 0), 0)
        content = story.mapping(candidate.get("content"))
        role = story.text(content.get("role"))
        if role and index not in self._begun:
            self._begun.add(index)
            story.emit("role", choice=index, role=role)
        for part in map(story.mapping, story.items(content.get("parts"))):
            self._part(part, index)
        if reason := story.text(candidate.get("finishReason")):
            story.emit("finish", choice=index, reason=reason)

    def _part(self, part: dict[str, Any], choice: int) -> None:
        thought = part.get("thought") is True
        self._story.speak("reasoning" if thought else "text", part.get("text"), choice)
        if "functionCall" in part:
            self._function(self._story.mapping(part["functionCall"]), choice)

    def _function(self, call: dict[str, Any], choice: int) -> None:
        """Report a call, or gather it: ``willContinue`` says that more of it is to come."""
        if self._call is not None or call.get("willContinue") is True:
            if self._call is None:
                self._call, self._values = call, {}
            for piece in map(self._story.mapping, self._story.items(call.get("partialArgs"))):
                self._put(piece)
            if call.get("willContinue") is True:
                return
            call = {**self._call, "args": self._values}
            self._call = None
        story = self._story
        story.needed(call.get("name"))
        arguments = story.exact(story.mapping(call.get("args")))
        story.emit(
            "tool",
            choice=choice,
            index=story.calls,
            id=story.text(call.get("id")) or None,
            name=story.text(call.get("name")) or None,
            arguments=canonical(arguments),
        )
        story.calls += 1

    def _put(self, piece: dict[str, Any]) -> None:
        """Put the value of one ``partialArgs`` item where its path says; strings grow."""
        path = self._story.text(piece.get("jsonPath")) or ""
        steps = [int(at) if at else name or quoted for name, at, quoted in _STEP.findall(path)]
        kind = next((kind for kind in _KINDS if kind in piece), None)
        if not steps or kind is None or isinstance(piece[kind], (dict, list)):
            self._story.strict = self._story.strict and not piece
            return
        value = None if kind == "nullValue" else piece[kind]
        try:
            _place(self._values, steps, value)
        except (TypeError, IndexError):
            self._story.strict = False  # the path does not fit what came before


def finishes(chunk: dict[str, Any]) -> bool:
    """Whether a candidate of *chunk* gives its finish reason."""
    candidates = chunk.get("candidates")
    return isinstance(candidates, list) and any(
        isinstance(one, dict) and one.get("finishReason") for one in candidates
    )


def _place(into: Any, steps: list[str | int], value: Any) -> None:
    """Put *value* at *steps* below *into*; a string is put behind one that is there.

    Raises:
        TypeError, IndexError: There is no such place.
    """
    for step, onward in pairwise(steps):
        into = _child(into, step, [] if isinstance(onward, int) else {})
    old = _child(into, steps[-1], None)
    into[steps[-1]] = old + value if isinstance(old, str) and isinstance(value, str) else value


def _child(into: Any, step: str | int, fresh: Any) -> Any:
    """What stands at *step*; *fresh* is put there where nothing does."""
    if isinstance(step, int):
        if not isinstance(into, list) or step > len(into):
            raise IndexError(step)
        if step == len(into):
            into.append(fresh)
        return into[step]
    if not isinstance(into, dict):
        raise TypeError(step)
    return into.setdefault(step, fresh)
