"""Values that a provider may leave out, set to null, repeat, or send in another shape."""

from __future__ import annotations

from collections.abc import Iterator

from replayfuzz.plan import Plan
from replayfuzz.strategies.changes import copied, gone, put, removed
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.view import Site, View


def choices(view: View) -> Iterator[Plan]:
    """Azure begins with empty ``choices``, usage ends with them; some send null, or several."""
    sites = view.sites("choices")
    kind = "meaning.choices"
    for site in ends_and_middle(sites):
        yield from spliced(kind, "an extra event with empty choices", [copied(view, site, b"[]")])
        yield from spliced(kind, "choices -> []", [put(site, b"[]")])
        yield from spliced(kind, "choices -> null", [put(site, b"null")])
        yield from spliced(kind, "no choices member", [gone(site)])
    for site in ends_and_middle([site for site in sites if site.node and site.node.items]):
        second = _other_index(view, site)
        if second:
            yield from spliced(
                kind,
                "an extra event of a second choice",
                [copied(view, site, b"[" + second + b"]")],
            )
            both = view.body[site.start : site.end - 1] + b"," + second + b"]"
            yield from spliced(kind, "two choices in one event", [put(site, both)])
    found = [second for site in sites if (second := _other_index(view, site))]
    every = [
        copied(view, site, b"[" + second + b"]")
        for site, second in zip(_filled(sites), found, strict=False)
    ]
    yield from spliced(kind, "a second choice, interleaved", every)


def _filled(sites: tuple[Site, ...]) -> list[Site]:
    return [site for site in sites if site.node and site.node.items]


def _other_index(view: View, site: Site) -> bytes:
    """The first choice with index 1 instead of 0; nothing where it has no such index."""
    first = site.node.items[0] if site.node and site.node.items else None
    index = first.get("index") if first else None
    if first is None or index is None or view.body[index.start : index.end] != b"0":
        return b""
    return view.body[first.start : index.start] + b"1" + view.body[index.end : first.end]


ANNOTATION = (
    b'data: {"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,'
    b'"content_filter_results":{},"content_filter_offsets":{"check_offset":1,"start_offset":1,'
    b'"end_offset":2}}]}\n\n'
)
"""As Azure sends what its asynchronous filter found, between chunks: a choice without a delta."""


def deltas(view: View) -> Iterator[Plan]:
    """A delta that is null, empty or not there."""
    kind = "meaning.delta"
    if view.dialect is not None and view.dialect.name == "openai.chat":
        for event in ends_and_middle(view.spoken):
            words = "an annotation as Azure sends it, without a delta"
            yield from spliced(kind, words, [(event.start, 0, ANNOTATION)])
    for site in ends_and_middle(view.sites("delta")):
        yield from spliced(kind, "an extra event with an empty delta", [copied(view, site, b"{}")])
        for text in (b"null", b"{}"):
            if view.body[site.start : site.end] != text:
                yield from spliced(kind, f"delta -> {text.decode()}", [put(site, text)])
        yield from spliced(kind, "no delta member", [gone(site)])


def contents(view: View) -> Iterator[Plan]:
    """Content that is null, missing, or no string."""
    if not view.knows_sites:
        return
    kind = "meaning.content"
    for site in ends_and_middle(view.texts):
        for text in (b"null", b"[]", b"0", b'{"text":"x"}', b'[{"type":"text","text":"x"}]'):
            yield from spliced(kind, f"content -> {text.decode()}", [put(site, text)])
        yield from spliced(kind, "no content member", [gone(site)])
        if site.start < site.end:
            yield from spliced(
                kind, "an extra event with empty content", [copied(view, site, b'""')]
            )


def members(view: View) -> Iterator[Plan]:
    """Each outermost member null, and not there, in the first and in all events."""
    if not view.knows_sites or not view.events:
        return
    kind = "meaning.member"
    for event in ends_and_middle(view.events)[:2]:
        for member in event.node.members if event.node else ():
            node = member.value
            if node.kind != "null":
                yield from spliced(
                    kind, f"{member.key} -> null", [(node.start, node.end - node.start, b"null")]
                )
            yield from spliced(kind, f"no {member.key} member", [removed(event, node)])


def usage(view: View) -> Iterator[Plan]:
    """Usage twice, null, partial, in an event of its own, or not at all."""
    kind = "meaning.usage"
    sites = [site for site in view.sites("usage") if site.node and site.node.kind == "object"]
    for site in sites[-1:]:
        yield from spliced(kind, "usage -> null", [put(site, b"null")])
        yield from spliced(kind, "usage -> {}", [put(site, b"{}")])
        yield from spliced(kind, "no usage member", [gone(site)])
        yield from spliced(
            kind,
            "the event with usage twice",
            [copied(view, site, view.body[site.start : site.end])],
        )
        if site.node and site.node.members:
            first = site.node.members[0].value
            for text in (b"null", b"9007199254740993", b"-1", b"1.5"):
                change = (first.start, first.end - first.start, text)
                yield from spliced(kind, f"the first count of usage -> {text.decode()}", [change])
    for site in [site for site in view.sites("model") if site.start < site.end][:1]:
        yield from spliced(kind, "model -> null", [put(site, b"null")])


def data(view: View) -> Iterator[Plan]:
    """Data that is no object, or no JSON, in place of an event's or as an extra event."""
    if view.opaque:
        return
    kind = "meaning.data"
    events = [event for event in view.spoken if event.node is not None]
    for event in ends_and_middle(events)[:2]:
        node = event.node
        for text in (
            b"",
            b"null",
            b"[]",
            b"{}",
            b'"x"',
            b"true",
            b"{",
            b"{'a': 1}",
            b"NaN",
            b"hello",
        ):
            if node is None or (not text and not view.sse):
                continue
            change = (node.start, node.end - node.start, text)
            label = f"data -> {text.decode() or 'nothing'}"
            yield from spliced(kind, label, [change])
            extra = view.body[event.start : node.start] + text + view.body[node.end : event.end]
            words = f"an extra event of {text.decode() or 'no data'}"
            yield from spliced(kind, words, [(event.end, 0, extra)])


FAMILIES = (
    Family("meaning.choices", "choices empty, null, missing, several", "meaning", False, choices),
    Family("meaning.delta", "deltas empty, null, missing", "meaning", False, deltas),
    Family("meaning.content", "content null, missing, of another type", "meaning", False, contents),
    Family("meaning.member", "members null or missing", "meaning", False, members),
    Family("meaning.usage", "usage null, missing, twice, odd numbers", "meaning", False, usage),
    Family("meaning.data", "data that is no object or no JSON", "meaning", False, data),
)
