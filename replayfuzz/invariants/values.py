"""Single values beside the content: role, finish reason, model, usage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from replayfuzz.invariants import evidence
from replayfuzz.invariants.fold import merged
from replayfuzz.invariants.invariant import answered, both_complete
from replayfuzz.transcript import Expected, Transcript
from replayfuzz.verdict import Evidence


def finish_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """The last finish reason of each choice is the one that was sent."""
    sent, got = want.transcript.last("finish", "reason"), seen.last("finish", "reason")
    # A made-up finish reason is how a truncated stream looks whole: another rule.
    return _values(
        "finish", sent, {} if want.end == "truncated" else got, both_complete(want, seen)
    )


def role_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """The first role of each choice is the one that was sent; some providers repeat it."""
    found = _values("role", _roles(want.transcript), _roles(seen), both_complete(want, seen))
    if found and found.shape == "role added":
        # What answers is always the assistant, so to say so is no invention.
        return replace(found, outcome="non-strict")
    return found


def _roles(transcript: Transcript) -> dict[int, Any]:
    roles: dict[int, Any] = {}
    for event in transcript.of("role"):
        if event.get("role") is not None:
            roles.setdefault(event.get("choice"), event.get("role"))
    return roles


def _values(kind: str, sent: dict[int, Any], got: dict[int, Any], whole: bool) -> Evidence | None:
    """The first difference between values by choice.

    When the stream or the answer stopped early, one may be missing (some libraries tell it
    at the end only), but one that was not sent may not be made up.
    """
    for choice in sorted(sent.keys() | got.keys() if whole else got.keys()):
        wanted, given = sent.get(choice), got.get(choice)
        if wanted != given:
            return _differ(f"{kind} of choice {choice}" if choice else kind, kind, wanted, given)
    return None


def _differ(of: str, kind: str, want: Any, seen: Any) -> Evidence:
    word = "lost" if seen is None else "added" if want is None else "changed"
    expected, observed = (
        "none" if value is None else evidence.shown(evidence.canonical(value))
        for value in (want, seen)
    )
    return Evidence(f"{of}: {expected}", f"{of}: {observed}", f"{kind} {word}")


def model_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """The model's name is one that was sent; it is there when the answer is whole."""
    sent = [event.get("model") for event in want.transcript.of("model") if event.get("model")]
    got = [event.get("model") for event in seen.of("model") if event.get("model")]
    wrong = next((name for name in got if name not in sent), None)
    if wrong is not None:
        return _differ("model", "model", sent[0] if sent else None, wrong)
    if both_complete(want, seen) and sent and not got:
        return _differ("model", "model", sent[0], None)
    return None


def usage_equal(want: Expected, seen: Transcript) -> Evidence | None:
    """The token counts, put together from all usage events, are those that were sent."""
    if not both_complete(want, seen):
        return None
    sent, got = usage(want.transcript), usage(seen)
    if sent == got:
        return None
    return _differ("usage", "usage", sent or None, got or None)


def usage(transcript: Transcript) -> dict[str, Any]:
    """Token counts of all usage events: the last number counts, null says nothing."""
    counts: dict[str, Any] = {}
    for event in transcript.of("usage"):
        counts = merged(counts, event.get("usage"))
    return counts


def valid_utf8(want: Expected, seen: Transcript) -> Evidence | None:
    """Nothing shows a mark of broken decoding (U+FFFD, lone surrogates) that was not sent."""
    if not answered(seen):
        return None
    sent = _everything(want.transcript)
    for kind, text in _everything(seen).items():
        if kind in _WHOLE and len(want.transcript.of(kind)) != len(seen.of(kind)):
            continue  # an event too many may hold what was sent, and was to be ignored
        marks = evidence.damaged(text)
        if want.end == "complete" and text.startswith(sent.get(kind, "")):
            continue  # all of it is whole; what stands behind it is the business of other rules
        if marks and (marks := marks - evidence.damaged(sent.get(kind, ""))):
            mark = "U+FFFD" if "\ufffd" in marks else "a lone surrogate"
            expected, observed = evidence.both(sent.get(kind, ""), text)
            shape = f"{kind} replaced by {mark.removeprefix('a ')}"
            return Evidence(f"{kind}: {expected}", f"{kind}: {observed}", shape)
    return None


_WHOLE = {"sse", "record"}
_SPOKEN = {"text", "reasoning", "refusal", "tool", "sse", "record"}


def _everything(transcript: Transcript) -> dict[str, str]:
    """All text of each type of event, joined in order."""
    texts: dict[str, list[str]] = {}
    for event in transcript.events:
        for name, value in event.values.items():
            if isinstance(value, str):
                texts.setdefault(event.type, []).append(value)
            elif name == "value":
                texts.setdefault(event.type, []).extend(_strings(value))
    return {kind: "".join(parts) for kind, parts in texts.items() if kind in _SPOKEN}


def _strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _strings(item)]
        case dict():
            return [text for pair in value.items() for item in pair for text in _strings(item)]
        case _:
            return []
