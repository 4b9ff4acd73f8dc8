"""Tool calls: ids, names and arguments; none lost, doubled or mixed."""

from __future__ import annotations

import json
from typing import Any

from replayfuzz.invariants import evidence
from replayfuzz.invariants.invariant import both_complete
from replayfuzz.transcript import Expected, ToolCall, Transcript
from replayfuzz.verdict import Class, Evidence

Calls = dict[tuple[int, int], ToolCall]


def tool_calls_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """Every tool call arrives once, with its id, name and exact arguments."""
    if not both_complete(want, seen):
        return None
    return differ(want.transcript.tools(), seen.tools())


def differ(want: Calls, seen: Calls) -> Evidence | None:
    """The first difference between two sets of calls, by choice and index."""
    if want.keys() != seen.keys():
        word = "lost" if want.keys() - seen.keys() else "added"
        if word == "added" and _doubled(want, seen):
            word = "doubled"
        return Evidence(_listed(want), _listed(seen), f"tool call {word}")
    mixed = _letters(want) == _letters(seen) and len(want) > 1
    for key in sorted(want):
        found = _one(key, want[key], seen[key], mixed)
        if found:
            return found
    return None


def _doubled(want: Calls, seen: Calls) -> bool:
    known = list(want.values())
    return all(seen[key] in known for key in seen.keys() - want.keys())


def _letters(calls: Calls) -> list[str]:
    """All argument characters in alphabetical order: mixing calls up does not change them."""
    return sorted("".join(call.arguments for call in calls.values()))


def _listed(calls: Calls) -> str:
    named = (f"{call.name!r} at index {index}" for (_, index), call in sorted(calls.items()))
    return evidence.shown(f"{len(calls)} tool calls: {', '.join(named)}" if calls else "none")


def _one(key: tuple[int, int], want: ToolCall, seen: ToolCall, mixed: bool) -> Evidence | None:
    where = f"tool call {key[1]}"
    for name in ("id", "name"):
        sent, got = getattr(want, name), getattr(seen, name)
        if sent != got and not (not sent and not got):
            word = "lost" if not got else "added" if not sent else "changed"
            return Evidence(
                f"{where}: {name} {sent!r}", f"{where}: {name} {got!r}", f"tool {name} {word}"
            )
    sent, got = want.arguments, seen.arguments
    if sent == got or evidence.damaged(got) - evidence.damaged(sent):
        return None  # broken decoding is the business of valid-utf8
    other_spelling = respelt(sent, got)
    if other_spelling == "ok":
        return None
    word = "mixed" if mixed else evidence.change(sent, got)
    expected, observed = evidence.both(sent, got)
    shape = "tool arguments respelt" if other_spelling else f"tool arguments {word}"
    outcome: Class | None = "non-strict" if other_spelling else None
    return Evidence(
        f"{where}: arguments {expected}", f"{where}: arguments {observed}", shape, outcome=outcome
    )


def respelt(want: str, seen: str) -> str | None:
    """How two different texts are one JSON value; None: they are not.

    A library that hands on arguments as an object was asked for a value, so any plain
    spelling of it is right ("ok"). One that hands on text was asked for that text.
    """
    if not want and seen == "{}":
        return "ok"  # no argument piece was sent: the empty object is what that means
    try:
        value = json.loads(seen)
        asked = json.loads(want)
        if evidence.canonical(_numbers(asked)) == evidence.canonical(_numbers(value)):
            return "ok" if seen in _spellings(value) else "respelt"
        # RFC 8259 section 6: "good interoperability can be achieved by implementations that
        # expect no more precision or range than [IEEE 754 binary64] provide[s]".
        doubles = [evidence.canonical(json.loads(text, parse_int=float)) for text in (want, seen)]
    except (ValueError, OverflowError):
        return None
    return "respelt" if doubles[0] == doubles[1] else None


def _numbers(value: Any) -> Any:
    """*value* with each number that is whole as an integer: 1e3, 1000.0 and 1000 are one."""
    if isinstance(value, dict):
        return {name: _numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _spellings(value: Any) -> set[str]:
    return {
        json.dumps(value, separators=separators, ensure_ascii=ascii_only, sort_keys=ordered)
        for separators in (None, (",", ":"))
        for ascii_only in (True, False)
        for ordered in (True, False)
    }
