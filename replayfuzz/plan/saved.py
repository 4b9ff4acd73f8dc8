"""Plans as JSON values, for ``plan.json``; reading trusts nothing."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from replayfuzz.errors import PlanError
from replayfuzz.plan.edits import (
    ENDINGS,
    FRAMINGS,
    LAYERS,
    MAX_PAD,
    Cut,
    Edit,
    End,
    Head,
    Pause,
    Plan,
    Slice,
    Splice,
)
from replayfuzz.plan.handoff import PAIRS, READS, HandOff

MAX_PAUSE = 86_400
"""Seconds; a longer pause is not what anybody meant."""

_EDITS: dict[str, type[Edit]] = {
    "cut": Cut,
    "slice": Slice,
    "pause": Pause,
    "splice": Splice,
    "end": End,
}
_Part = TypeVar("_Part", bound="Edit | Head | HandOff")
_NAMES = {edit: name for name, edit in _EDITS.items()}
_CHOICES: dict[str, tuple[str, ...]] = {
    "layer": LAYERS,
    "how": ENDINGS,
    "framing": FRAMINGS,
    "coding": ("gzip",),
    "case": ("lower", "upper", "title"),
    "pair": PAIRS,
    "reads": READS,
}
_TRUTHS = {"in_head", "in_chunk", "empty_end"}
_MAY_BE_NULL = {"status", "pad", "payload", "leaves"}


def to_json(plan: Plan) -> dict[str, Any]:
    """Return *plan* as JSON values (``version: 1``); parts left at their default are left out."""
    edits = [{"edit": _NAMES[type(edit)], **_shown(edit)} for edit in plan.edits]
    handoff = _shown(plan.handoff)
    return {
        "version": 1,
        "edits": edits,
        "head": _shown(plan.head),
        "keep_chunks": plan.keep_chunks,
        "keep_times": plan.keep_times,
        **({"handoff": handoff} if handoff else {}),
    }


def from_json(value: object) -> Plan:
    """Read what ``to_json`` wrote.

    Raises:
        PlanError: The value is not a plan of version 1; the message names the part.
    """
    plan = _mapping(value, "the plan")
    if plan.get("version") != 1:
        raise PlanError(
            f"plan version {plan.get('version')!r} is not 1; was it saved by a newer replayfuzz?"
        )
    listed = plan.get("edits", [])
    if not isinstance(listed, list):
        raise PlanError("plan: 'edits' is not a list")
    edits = [_edit(item, f"edit {number}") for number, item in enumerate(listed, 1)]
    head = _build(Head, _mapping(plan.get("head", {}), "head"), "head")
    handoff = _build(HandOff, _mapping(plan.get("handoff", {}), "handoff"), "handoff")
    keep = {name: plan.get(name, True) for name in ("keep_chunks", "keep_times")}
    for name, flag in keep.items():
        if not isinstance(flag, bool):
            raise PlanError(f"plan: {name!r} is {flag!r}, not true or false")
    return Plan(tuple(edits), head, handoff=handoff, **keep)


def _shown(part: Edit | Head | HandOff) -> dict[str, Any]:
    shown = {}
    for item in fields(part):
        value = getattr(part, item.name)
        if value != item.default:
            shown[item.name] = _packed(value) if isinstance(value, bytes) else value
    return shown


def _packed(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _edit(item: object, where: str) -> Edit:
    values = dict(_mapping(item, where))
    name = values.pop("edit", None)
    if not isinstance(name, str) or name not in _EDITS:
        raise PlanError(f"plan: {where} is {name!r}, not one of {', '.join(_EDITS)}")
    return _build(_EDITS[name], values, where)


def _build(kind: type[_Part], values: Mapping[str, Any], where: str) -> _Part:
    known = {item.name: item for item in fields(kind)}
    name: str
    for name, value in values.items():
        if name not in known:
            raise PlanError(f"plan: {where} has a part {name!r} that replayfuzz does not know")
        if name in _CHOICES and value not in (*_CHOICES[name], known[name].default):
            raise PlanError(f"plan: {where}: {name} is {value!r}, not one of {_CHOICES[name]}")
    try:
        return kind(**{name: _unpacked(name, value) for name, value in values.items()})
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise PlanError(f"plan: {where}: {error}") from error


def _unpacked(name: str, value: Any) -> Any:
    if value is None and name in _MAY_BE_NULL:
        return None
    match name:
        case "insert" | "payload" if isinstance(value, dict):
            return base64.b64decode(value["base64"], validate=True)
        case "insert" | "payload":
            return _text(name, value).encode()
        case "kind" | "label" | "extension":
            return _text(name, value)
        case _ if name in _TRUTHS and not isinstance(value, bool):
            raise ValueError(f"{name} is {value!r}, not true or false")
        case "fields" | "trailers":
            return tuple(_line(name, item) for item in value)
        case "before":
            return _texts(name, value)
        case "at" | "remove" | "every" | "status" | "leaves" | "beside":
            return _whole(name, value)
        case "pad":
            return _padding(value)
        case "seconds":
            return _seconds(value)
        case _:
            return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} is {value!r}, not a text")  # noqa: TRY004 - as for all parts
    return value


def _texts(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{name} is {value!r}, not a list of texts")  # noqa: TRY004 - likewise
    return tuple(_text(f"an item of {name}", item) for item in value)


def _padding(value: object) -> int:
    if (number := _whole("pad", value)) > MAX_PAD:
        raise ValueError(f"pad is {number}, not a whole number from 0 to {MAX_PAD}")
    return number


def _line(name: str, item: object) -> tuple[str, str]:
    match item:
        case [str(key), str(text)]:
            return key, text
    raise ValueError(f"{name} holds {item!r}, not a pair of texts")


def _seconds(value: object) -> float:
    # Not a number, and what never ends, compare as false.
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < MAX_PAUSE:
        raise ValueError(f"seconds is {value!r}, not a number from 0 to {MAX_PAUSE}")
    return float(value)


def _whole(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < (name == "every"):
        raise ValueError(f"{name} is {value!r}, not a whole number that fits")
    return value


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise PlanError(f"{what} is {type(value).__name__}, not an object")
    return value
