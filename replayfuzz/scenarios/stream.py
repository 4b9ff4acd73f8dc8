"""What the stream in a response shows against an assertion; see ``evidence``."""

from __future__ import annotations

from replayfuzz.scenarios.quote import SHOWN, quoted
from replayfuzz.scenarios.seen import Seen


def sse_format(_: None, seen: Seen) -> str | None:
    kind = seen.response.field("content-type") or ""
    if kind.partition(";")[0].strip().lower() != "text/event-stream":
        return f"the content type is {quoted(kind)}" if kind else "there is no content type"
    if seen.stray:
        return f"a line is no field: {quoted(seen.stray.decode('latin-1'))}"
    return None if seen.chunks else f"no chunk among {seen.events} events"


def content(value: str, seen: Seen) -> str | None:
    got = seen.content
    if got == value:
        return None
    at = next(
        (n for n, pair in enumerate(zip(got, value, strict=False)) if pair[0] != pair[1]),
        min(len(got), len(value)),
    )
    wanted, shown = (quoted(text[at : at + SHOWN]) for text in (value, got))
    sizes = f"{len(got)} characters instead of {len(value)}"
    return f"{sizes}; from character {at} on it is {shown} instead of {wanted}"


def content_equal(_: None, seen: Seen) -> str | None:
    return content(seen.text, seen)


def content_contains(value: str, seen: Seen) -> str | None:
    return None if value in seen.content else f"the content is {quoted(seen.content)}"


def utf8_valid(_: None, seen: Seen) -> str | None:
    try:
        seen.response.body.decode()
    except UnicodeDecodeError as error:
        bad = seen.response.body[error.start : error.end].hex(" ")
        return f"byte {error.start} of the body ({bad}): {error.reason}"
    for number, chunk in enumerate(seen.chunks):
        try:
            chunk.content.encode()
        except UnicodeEncodeError as error:
            half = ord(chunk.content[error.start])
            return f"chunk {number} has half of a surrogate pair (\\u{half:04x})"
    return None


def chunk_count(value: int, seen: Seen) -> str | None:
    count = len(seen.chunks)
    return None if count == value else f"there are {count}"


def chunk_count_at_least(value: int, seen: Seen) -> str | None:
    count = len(seen.chunks)
    return None if count >= value else f"there are {count}"


def finish_reason(value: str, seen: Seen) -> str | None:
    if seen.finish == value:
        return None
    return f"it is {quoted(seen.finish)}" if seen.finish else "there is none"


def no_finish_reason(_: None, seen: Seen) -> str | None:
    return f"it is {quoted(seen.finish)}" if seen.finish else None


def done_marker(_: None, seen: Seen) -> str | None:
    if not seen.done:
        wrapped = "; it came wrapped as content" if seen.wrapped else ""
        return f"there is none{wrapped}"
    if len(seen.done) > 1:
        return f"it came {len(seen.done)} times"
    after = seen.events - seen.done[0] - 1
    return f"{after} events come after it" if after else None


def no_done_marker(_: None, seen: Seen) -> str | None:
    if seen.done:
        return f"it is event {seen.done[0]}"
    return no_wrapped_done(None, seen)


def no_wrapped_done(_: None, seen: Seen) -> str | None:
    return f"it came {seen.wrapped} times" if seen.wrapped else None


def body_bytes_equal(_: None, seen: Seen) -> str | None:
    got, sent = seen.response.body, seen.sent
    if got == sent:
        return None
    pairs = zip(got, sent, strict=False)
    at = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(got), len(sent)))
    shown, wanted = (repr(data[at : at + SHOWN]) for data in (got, sent))
    sizes = f"{len(got)} bytes instead of {len(sent)}"
    return f"{sizes}; from byte {at} on it is {shown} instead of {wanted}"
