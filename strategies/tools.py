"""Tool calls: their pieces of arguments, and the members that only their first piece has."""

from __future__ import annotations

import json
from collections.abc import Iterator

from replayfuzz.formats.spans import walk
from replayfuzz.plan import Plan
from replayfuzz.strategies.changes import Change, copied, copy_of, gone, put
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.view import Site, View

PIECES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("a number cut so that both parts are numbers", ("1", "23")),
    ("a number cut before its exponent", ("1", "e3")),
    ("an object cut inside a number", ('{"n":1', "23}")),
    ("a number with an exponent", ('{"n":1e3}',)),
    ("a number with a fraction of 0", ('{"n":1.0}',)),
    ("a number that no double holds", ('{"n":12345678901234567890}',)),
    ("an object, then white space", ('{"a":1}', " ", "\n")),
    ("white space, then an object", (" ", "\n", '{"a":1}')),
    ("an empty object", ("{}",)),
    ("an empty object, then empty pieces", ("{}", "", "")),
    ("empty pieces between", ("{", "", '"a"', "", ":1}")),
    ("only empty pieces", ("", "")),
    ("pieces of one character", tuple('{"a":"\u00e9"}')),
    ("cut inside an escape", ('{"a":"x\\', 'n"}')),
    ("cut between surrogate escapes", ('{"a":"\\ud83d', '\\ude00"}')),
    ("a name twice", ('{"a":1,"a":2}',)),
    ("null", ("null",)),
    ("a string with U+2028 and U+1F600", ('{"a":"\u2028\U0001f600"}',)),
    ("two objects", ('{"a":1}', '{"b":2}')),
    ("an object that is not finished", ('{"a":', '"x')),
)
OBJECTS: tuple[tuple[str, bytes], ...] = (
    ("an empty object", b"{}"),
    ("a number with an exponent", b'{"n":1e3}'),
    ("a number that no double holds", b'{"n":12345678901234567890}'),
    ("a name twice", b'{"a":1,"a":2}'),
    ("nested values", '{"a":[null,{"b":"\u2028\U0001f600"}],"c":""}'.encode()),
    ("null", b"null"),
    ("a string", b'"{}"'),
)
_EXTRA = (b'""', b"null", b'" "', b'"\\n"')


def arguments(view: View) -> Iterator[Plan]:
    """The arguments of the first call, in pieces that readers take for the whole."""
    kind = "meaning.arguments"
    for call in list(_calls(view).values())[:1]:
        full = [site for site in call if site.start < site.end] or call
        first, rest = full[0], [site for site in call if site is not full[0]]
        others = [put(site, b'""') for site in rest if site.event is not first.event]
        for label, pieces in PIECES:
            named = "meaning.argument-number" if "number" in label else kind
            copies = b"".join(copy_of(view, first, _said(piece)) for piece in pieces)
            event = first.event
            change = (event.start, event.end - event.start, copies)
            yield from spliced(named, f"arguments: {label}", [change, *others])
        for site in ends_and_middle(call)[:2]:
            for text in _EXTRA:
                label = f"an extra piece of arguments: {text.decode()}"
                yield from spliced(kind, label, [copied(view, site, text)])
            yield from spliced(kind, "arguments left out", [gone(site)])
            yield from spliced(kind, "arguments -> null", [put(site, b"null")])
    for site in _objects(view)[:1]:
        for label, text in OBJECTS:
            yield from spliced(kind, f"arguments: {label}", [put(site, text)])


def interleaved(view: View) -> Iterator[Plan]:
    """Pieces of parallel calls by turns, and calls whose index is missing or the same."""
    kind = "meaning.calls"
    calls = [sorted({site.event.start for site in call}) for call in _calls(view).values()]
    if len(calls) > 1:
        yield from spliced(kind, "pieces of parallel calls by turns", [_by_turns(view, calls)])
    pieces = {start for call in calls for start in call}
    indexes = [site for site in view.sites("tool_index") if site.event.start in pieces]
    for site in ends_and_middle(indexes):
        yield from spliced(kind, "no index of the call", [gone(site)])
        yield from spliced(kind, "index of the call -> null", [put(site, b"null")])
    yield from spliced(kind, "no index of any call", [gone(site) for site in indexes])
    yield from spliced(kind, "index of all calls -> 7", [put(site, b"7") for site in indexes])


def _by_turns(view: View, calls: list[list[int]]) -> Change:
    """The first piece of each call, then the second of each, …; what stood between goes first."""
    turn = {start: number for call in calls for number, start in enumerate(call)}
    first, last = min(turn), max(turn)
    moved = [event for event in view.events if first <= event.start <= last]
    moved.sort(key=lambda event: turn.get(event.start, -1))
    return (
        first,
        _end_of(view, last) - first,
        b"".join(view.body[event.start : event.end] for event in moved),
    )


def _end_of(view: View, start: int) -> int:
    """Where the event that begins at *start* ends."""
    return next(event.end for event in view.events if event.start == start)


def nulls(view: View) -> Iterator[Plan]:
    """Members that a provider leaves out of most pieces, sent as null or empty in every piece."""
    if view.dialect is None:
        return
    kinds = ("tool_id", "tool_name", "tool_type", "role", "text", "reasoning", "refusal", "finish")
    for kind in (*kinds, "usage"):
        for path in view.dialect.sites.get(kind, ()):
            name = path[-1]
            holders = [
                node
                for event in view.events
                if path in view.dialect.paths(kind, event, view.body)
                for node in walk(event.node, path[:-1])
                if node.kind == "object" and isinstance(name, str) and node.get(name) is None
            ]
            texts = (b"null", b'""') if kind in {"tool_id", "tool_name"} else (b"null",)
            for text in texts:
                member = json.dumps(name).encode() + b":" + text
                label = f"{name} -> {text.decode()} where it was left out"
                changes = [
                    (node.start + 1, 0, member + (b"," if node.members else b""))
                    for node in holders
                ]
                yield from spliced("meaning.null", label, changes)
    for site in view.sites("tool_id", "tool_name"):
        label = f"{site.kind} -> null"
        yield from spliced("meaning.null", label, [put(site, b"null")])
        yield from spliced("meaning.null", f"no {site.kind}", [gone(site)])


def _calls(view: View) -> dict[bytes, list[Site]]:
    """The string pieces of each call, by the bytes of its index."""
    calls: dict[bytes, list[Site]] = {}
    for event in view.events:
        sites = [site for site in view.sites_of(event) if site.kind == "arguments"]
        indexes = [site for site in view.sites_of(event) if site.kind == "tool_index"]
        for number, site in enumerate(sites):
            if site.node is None or site.node.kind != "string":
                continue
            index = indexes[number] if number < len(indexes) else None
            key = view.body[index.start : index.end] if index else b""
            calls.setdefault(key, []).append(site)
    return calls


def _objects(view: View) -> list[Site]:
    """Arguments that are JSON objects, as Ollama sends them."""
    return [site for site in view.sites("arguments") if site.node and site.node.kind == "object"]


def _said(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


FAMILIES = (
    Family(
        "meaning.arguments",
        "pieces of arguments: empty, null, numbers cut",
        "meaning",
        False,
        arguments,
    ),
    Family(
        "meaning.calls", "parallel calls by turns, without index", "meaning", False, interleaved
    ),
    Family("meaning.null", "members sent as null instead of left out", "meaning", False, nulls),
)
