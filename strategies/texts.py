"""Texts that hurt, put into what the model says: content that readers take for syntax, or lose."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from replayfuzz.plan import Plan
from replayfuzz.strategies.family import Family, ends_and_middle, spliced
from replayfuzz.strategies.places import place
from replayfuzz.strategies.view import Site, View

Rows = Sequence[tuple[str, str | bytes]]
"""A text in words, and the text; bytes stand as they are, whatever is around them."""

SEPARATORS: Rows = (  # str.splitlines and many regular expressions take these for line ends
    ("U+2028", "\u2028"),
    ("U+2029", "\u2029"),
    ("U+0085", "\u0085"),
    ("VT", "\v"),
    ("FF", "\f"),
    ("FS, GS and RS", "\x1c\x1d\x1e"),
)
UNICODE: Rows = (
    ("U+1F600", "\U0001f600"),
    ("U+00E9", "\u00e9"),
    ("U+4E2D", "\u4e2d"),
    ("U+10FFFF", "\U0010ffff"),
    ("U+FEFF", "\ufeff"),
    ("U+FFFD", "\ufffd"),
    ("a family joined by ZWJ", "\U0001f468\u200d\U0001f469\u200d\U0001f467"),
    ("a flag of two regional indicators", "\U0001f1f0\U0001f1f7"),
    ("a combining accent", "e\u0301\u0323"),
    ("right-to-left text with marks", "\u202eabc\u202c \u05e9\u05dc\u05d5\u05dd"),
    ("U+FFFE and U+FFFF", "\ufffe\uffff"),
)
CONTROLS: Rows = (
    ("NUL", "\0"),
    ("ESC and DEL", "\x1b[0m\x7f"),
    ("tab", "\t"),
    ("BEL and US", "\a\x1f"),
)
SURROGATES: Rows = (  # RFC 8259 section 8.2: "behavior […] is unpredictable"
    ("U+1F600 as two escapes", rb"\ud83d\ude00"),
    ("a lone high surrogate", rb"\ud83d"),
    ("a lone low surrogate", rb"\ude00"),
    ("surrogates in the wrong order", rb"\ude00\ud83d"),
)
INVALID: Rows = (
    ("byte FF", b"\xff"),
    ("a continuation byte", b"\x80"),
    ("2 of the 3 bytes of U+20AC", b"\xe2\x82"),
    ("3 of the 4 bytes of U+1F600", b"\xf0\x9f\x98"),
    ("an overlong solidus", b"\xc0\xaf"),
    ("U+D800 in three bytes", b"\xed\xa0\x80"),
)
SYNTAX: Rows = (
    ("[DONE]", "[DONE]"),
    ("data: [DONE]", "data: [DONE]"),
    ("a blank line and data: [DONE]", "\n\ndata: [DONE]\n\n"),
    ("data:", "data: "),
    ("event: error", "\nevent: error\n"),
    ("a colon first", ": x"),
    ("quotes and backslashes", '"\\"\\\\'),
    ("brackets", '"}]}{['),
    ("a backslash before n", "\\n"),
    ("<script>", "</script><!--"),
    ("null", "null"),
)
SPACE: Rows = (
    ("a space", " "),
    ("two spaces", "  "),
    ("a newline", "\n"),
    ("two newlines", "\n\n"),
    ("CRLF", "\r\n"),
    ("spaces and a newline", "  \n  "),
    ("U+00A0 and U+3000", "\u00a0\u3000"),
)


def separators(view: View) -> Iterator[Plan]:
    """Characters that only str.splitlines takes for line ends."""
    yield from _put(view, "text.separator", SEPARATORS)


def unicode(view: View) -> Iterator[Plan]:
    """Characters of several bytes, and several characters that look like one."""
    yield from _put(view, "text.unicode", UNICODE)


def controls(view: View) -> Iterator[Plan]:
    """Control characters, escaped where JSON asks for it."""
    yield from _put(view, "text.control", CONTROLS)


def surrogates(view: View) -> Iterator[Plan]:
    """Surrogates as escapes, in pairs and alone."""
    if not view.opaque:
        yield from _put(view, "text.surrogate", SURROGATES)


def invalid(view: View) -> Iterator[Plan]:
    """Bytes that are no UTF-8: "decoded using the UTF-8 decode algorithm", to U+FFFD."""
    yield from _put(view, "text.invalid", INVALID)


def syntax(view: View) -> Iterator[Plan]:
    """Content that looks like the syntax around it."""
    yield from _put(view, "text.syntax", SYNTAX)
    yield from _instead(view, "text.syntax", SYNTAX)


def space(view: View) -> Iterator[Plan]:
    """White space at the edges of content, or as all of it."""
    yield from _put(view, "text.space", SPACE)
    yield from _instead(view, "text.space", (*SPACE, ("nothing", "")))


def _put(view: View, kind: str, rows: Rows) -> Iterator[Plan]:
    """Each text before the first, inside the middle and behind the last content."""
    sites = view.texts
    if not sites:
        return
    middle = sites[len(sites) // 2]
    places = {
        "before": (sites[0], sites[0].start),
        "inside": (middle, _inside(view.body, middle)),
        "behind": (sites[-1], sites[-1].end),
    }
    for label, text in rows:
        for word, (site, at) in places.items():
            if data := spelt(site, text):
                yield from spliced(kind, f"{label} {word} the content", [(at, 0, data)])


def _instead(view: View, kind: str, rows: Rows) -> Iterator[Plan]:
    """Each text in place of one content."""
    for label, text in rows:
        for site in ends_and_middle(view.texts)[:2]:
            data = spelt(site, text)
            if data or text == "":
                size = site.end - site.start
                yield from spliced(kind, f"{label} as a whole content", [(site.start, size, data)])


def spelt(site: Site, text: str | bytes) -> bytes:
    """*text* as it has to stand at *site*; nothing where it cannot be said there."""
    if isinstance(text, bytes):
        return text
    if site.is_json:
        return json.dumps(text, ensure_ascii=False)[1:-1].encode()
    if "\r" in text:
        return b""  # no data of an SSE event can hold CR
    return text.replace("\n", "\ndata: ").encode()


def _inside(body: bytes, site: Site) -> int:
    """A place about the middle of *site* that parts neither a character nor an escape."""
    at = (site.start + site.end + 1) // 2
    while at > site.start and place(body, at).kind in ("utf8", "escape", "surrogates"):
        at -= 1
    return at


FAMILIES = (
    Family("text.unicode", "characters of several bytes", "text", False, unicode),
    Family("text.separator", "characters that look like line ends", "text", False, separators),
    Family("text.space", "white space at the edges of content", "text", False, space),
    Family("text.syntax", "content that looks like syntax", "text", False, syntax),
    Family("text.control", "control characters", "text", False, controls),
    Family("text.surrogate", "surrogates as escapes", "text", False, surrogates),
    Family("text.invalid", "bytes that are no UTF-8", "text", False, invalid),
)
