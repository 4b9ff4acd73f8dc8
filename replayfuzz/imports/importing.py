"""From the bytes of a recording to exchanges: what tool wrote it, its codings, its dialects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath

from replayfuzz.cassette import UNKNOWN, Cassette, Exchange, Fields, guess
from replayfuzz.cassette_yaml import load
from replayfuzz.errors import CassetteError
from replayfuzz.formats.gzip_spans import inflate
from replayfuzz.imports import flows as mitm
from replayfuzz.imports import httprr as rr
from replayfuzz.imports.content import content
from replayfuzz.imports.found import Found, Left, Recording
from replayfuzz.imports.guess import dialect_of
from replayfuzz.imports.har import har
from replayfuzz.imports.items import load_json
from replayfuzz.imports.raw import raw
from replayfuzz.imports.tapes import tape
from replayfuzz.plan import Framing

MOST = 64 * 2**20
"""Largest recording that is read, in bytes."""

_STREAMS = ("text/event-stream", "ndjson", "jsonl", "json-seq", "amazon.eventstream", "json-stream")


@dataclass(frozen=True, slots=True)
class Imported:
    """What one file gave.

    Attributes:
        tool: What wrote it.
        cassette: The exchanges that are streams, in order.
        passed: What was left out because it is no stream, a URL each.
        faults: What was left out because it cannot be taken over, a sentence each.
    """

    tool: str
    cassette: Cassette
    passed: tuple[str, ...]
    faults: tuple[str, ...]


def imported(data: bytes, *, file: str, dialect: str = "", every: bool = False) -> Imported:
    """Read a recording.

    When pieces came and how the stream ended is in none of these forms, and boundaries only
    where a body is compressed; the ``origin`` of each exchange says so. Nothing is redacted here.

    Args:
        data: The whole file.
        file: Its name, for messages, for the names of exchanges, and for bare bodies.
        dialect: Of all its streams; "" guesses.
        every: Keep also what is no stream.

    Raises:
        CassetteError: It is no recording that is known, is damaged, or is too large.
    """
    if len(data) > MOST:
        raise too_large(len(data), file)
    recording = _recording(data, file)
    kept: list[Exchange] = []
    passed: list[str] = []
    faults: list[str] = []
    for item in recording.items:
        if isinstance(item, Left):
            faults.append(item.why)
            continue
        try:
            exchange = _with_dialect(_exchange(item, recording.tool, file), dialect)
        except CassetteError as error:
            if every or dialect or _is_stream(_bare(item)):
                faults.append(str(error))
            else:
                passed.append(item.request.url)
            continue
        if every or _is_stream(exchange):
            kept.append(exchange)
        else:
            passed.append(exchange.request.url)
    stem = _stem(file)
    names = [stem] if len(kept) == 1 else [f"{stem}#{number}" for number in range(len(kept))]
    named = (replace(each, name=name) for each, name in zip(kept, names, strict=True))
    return Imported(recording.tool, Cassette(stem, tuple(named)), tuple(passed), tuple(faults))


def too_large(size: int, file: str) -> CassetteError:
    """The error for a file of *size* bytes."""
    return CassetteError(
        f"holds {size:,} bytes, more than the {MOST:,} that are read; keep only the exchanges "
        "with the streams (for a HAR: delete the other lines before you export it)",
        file=file,
    )


def _recording(data: bytes, file: str) -> Recording:
    if not data.strip():
        raise CassetteError("is empty; record it again or delete it", file=file)
    coded = b""
    if data.startswith(b"\x1f\x8b"):  # httprr keeps its traces so, and people their logs
        held = inflate(data)
        if held.fault:
            raise CassetteError(f"is gzip, but {held.fault}; copy it again", file=file)
        data, coded = held.body, data
    begin = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if begin.startswith(rr.FIRST):
        return rr.httprr(data, file=file)
    if mitm.FIRST.match(begin):
        return mitm.flows(data, file=file)
    suffix = PurePath(file.removesuffix(".gz")).suffix.lower()
    if suffix in {".yaml", ".yml"} or begin.startswith((b"---", b"interactions:", b"http_inter")):
        return tape(load(_text(data, file), file=file))
    needed = suffix in {".json", ".har"}
    found = _json(data, file, needed=needed) if needed or begin.startswith(b"{") else None
    return found or raw(data, coded, file=file)


def _json(data: bytes, file: str, *, needed: bool) -> Recording | None:
    """A HAR or a tape; None: neither, and *needed* is not set."""
    try:
        root = load_json(_text(data, file), file=file)
    except CassetteError:
        if needed:
            raise
        return None  # several values: lines of JSON
    keys = root.mapping() if isinstance(root.value, dict) else {}
    if "log" in keys:
        return har(root)
    return tape(root) if needed or {"interactions", "http_interactions"} & set(keys) else None


def _text(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CassetteError(
            f"byte 0x{data[error.start]:02x} is not UTF-8 text; save it as UTF-8",
            file=file,
            line=data.count(b"\n", 0, error.start) + 1,
        ) from None


def _bare(found: Found) -> Exchange:
    """What is known of an exchange without its body."""
    return Exchange(
        name="",
        dialect=UNKNOWN,
        request=found.request,
        status=found.status,
        reason=found.reason,
        fields=found.fields,
        protocol=found.protocol,
        trailers=found.trailers,
    )


def _exchange(found: Found, tool: str, file: str) -> Exchange:
    held = content(found, file=file)
    size = str(len(held.body))
    # A length that is not that of the body told the bytes before they were decoded.
    fields = tuple(
        (name, value)
        for name, value in found.fields
        if name.lower() != "content-encoding"
        and (name.lower() != "content-length" or value == size)
    )
    framing: Framing = "content-length" if _named(fields, "content-length") else "chunked"
    known = framing != "chunked" or _named(fields, "transfer-encoding") or found.protocol == "h2"
    origin = {
        "kind": "imported",
        "tool": tool,
        "source": PurePath(file).name,
        "at": found.at,
        "boundaries": held.boundaries,
        "times": UNKNOWN,
        "ending": UNKNOWN,
        "framing": "" if known else UNKNOWN,
        "coding": held.coding,
    }
    return replace(
        _bare(found),
        fields=fields,
        body=held.body,
        framing=None if found.protocol == "h2" else framing,
        chunks=tuple((0.0, length) for length in held.sizes),
        origin=tuple((key, value) for key, value in origin.items() if value),
    )


def _with_dialect(exchange: Exchange, given: str) -> Exchange:
    name, told = (given, "the command line") if given else dialect_of(exchange)
    by = (("dialect", f"told by {told}"),) if told else ()
    return replace(exchange, dialect=name, origin=(*exchange.origin, *by))


def _is_stream(exchange: Exchange) -> bool:
    """Whether it is one of a dialect, or says that it is one, or answers a call for one."""
    if exchange.dialect != UNKNOWN or guess(exchange) != UNKNOWN:
        return True
    type_ = _named(exchange.fields, "content-type").lower()
    return any(kind in type_ for kind in _STREAMS)


def _named(fields: Fields, name: str) -> str:
    return next((value for key, value in fields if key.lower() == name), "")


def _stem(file: str) -> str:
    return PurePath(file.removesuffix(".gz")).stem or "recording"
