"""What a recorded exchange says, as its dialect reads it: label and text of each part."""

from __future__ import annotations

import json
from collections.abc import Iterator

from replayfuzz import dialects, redact
from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan
from replayfuzz.transcript import Event, Expected, ToolCall

_TEXTS = ("text", "reasoning", "refusal")
_RAW = ("sse", "record")


def meaning(exchange: Exchange) -> dict[str, str]:
    """The parts by label, in a fixed order: ``text``, ``tool 0``, ``finish``, ``usage``, ``end``.

    A choice after the first has its number in the label. There is one part that says so
    where the dialect is unknown or the body's content coding cannot be decoded.
    """
    if exchange.dialect not in dialects.NAMES:
        return {"end": f"not known: there is no dialect {exchange.dialect!r}"}
    plain = redact.decoded(exchange)
    if plain is None:
        return {"end": "not known: the body's content coding cannot be decoded here"}
    return dict(_parts(dialects.expected(plain, Plan())[0]))


def _parts(told: Expected) -> Iterator[tuple[str, str]]:
    seen = told.transcript
    for kind in _TEXTS:
        for choice, text in seen.joined(kind).items():
            yield _label(kind, choice), _quoted(text)
    for (choice, index), call in seen.tools().items():
        yield _label(f"tool {index}", choice), _call(call)
    for choice, reason in seen.last("finish", "reason").items():
        yield _label("finish", choice), str(reason)
    for name, key in (("usage", "usage"), ("model", "model")):
        for event in seen.of(name)[-1:]:
            yield name, _json(event.get(key))
    for number, event in enumerate(event for event in seen.events if event.type in _RAW):
        yield f"event {number}", _raw(event)
    end = told.end
    yield "end", f"{end}: {_quoted(seen.message)}" if seen.message else end


def _label(kind: str, choice: int) -> str:
    return f"{kind} of choice {choice}" if choice else kind


def _call(call: ToolCall) -> str:
    return f"{call.name or '?'}({call.arguments}) id {call.id}"


def _raw(event: Event) -> str:
    return _json(event.get("value") if event.type == "record" else dict(event.values))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
