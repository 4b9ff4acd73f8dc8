"""What a daemon does besides reading: its response, its request, its other clients."""

from __future__ import annotations

import re

from replayfuzz.formats.json_object import json_object
from replayfuzz.invariants import evidence
from replayfuzz.invariants.request import unchunked
from replayfuzz.transcript import Expected, Relay, Response, Transcript
from replayfuzz.verdict import Evidence

CANARY = "x-replayfuzz-injected"
"""Name of a header field that only an injection can bring about (CWE-113)."""

_PARAMETERS = re.compile(r"\s*;.*")


def http_response(want: Expected, seen: Transcript) -> Evidence | None:
    """The client gets an HTTP response, or at least the beginning of one."""
    response = seen.response
    if want.relay is None or response is None or want.relay.left:
        return None
    if seen.end != "garbage" and not (seen.end == "truncated" and not response.raw):
        return None
    raw = response.raw
    if want.relay.lenient and not raw:
        return None
    if not raw:
        return Evidence("a response", "closed without a byte", "no response", "none")
    told = evidence.quote(raw[:80].decode("latin-1"))
    return Evidence("an HTTP/1.1 response", told, "not HTTP", "malformed")


def response_head(want: Expected, seen: Transcript) -> Evidence | None:
    """A response that went well has the declared status and fields."""
    relay, response = want.relay, seen.response
    if relay is None or response is None or not response.status:
        return None
    if response.status != relay.status:
        if response.status >= 400:
            return None  # it tells of an error, which other rules are about
        return Evidence(
            f"status {relay.status}, or an error", f"{response.status}", "status", "status"
        )
    for name, value in relay.fields:
        got = response.field(name)
        if got is None or not _alike(name, value, got):
            observed = f"{name}: {got}" if got is not None else f"no {name}"
            return Evidence(f"{name}: {value}", observed, f"field {name.lower()}", "field")
    return None


def _alike(name: str, value: str, got: str) -> bool:
    # RFC 9110 section 8.3.1: a media type may have parameters, and its case is no matter.
    if name.lower() == "content-type" and ";" not in value:
        got = _PARAMETERS.sub("", got)
    return got.strip().lower() == value.strip().lower()


def output_form(want: Expected, seen: Transcript) -> Evidence | None:
    """Every event has a form that the daemon's output is declared to have."""
    if want.relay is None:
        return None
    # The provider may say "[DONE]" in so many words; only an end marker is not to be wrapped.
    said = any(event.get("text") == "[DONE]" for event in want.transcript.of("text"))
    told = (each for each in seen.problems if not (said and each.startswith("wrapped-done")))
    problem = next(told, None)
    if problem is None:
        return None
    return Evidence("events of the declared form", problem, re.sub(r"\W.*", "", problem) or "form")


def payload_forwarded(want: Expected, seen: Transcript) -> Evidence | None:
    """The upstream receives what the hand-off asked for, and nothing smuggled in."""
    request = seen.delivery.request if seen.delivery else b""
    if want.relay is None or not request:
        return None
    head, _, body = request.partition(b"\r\n\r\n")
    fields = _fields(head)
    if CANARY in fields or _injected(seen.response):
        where = "upstream request" if CANARY in fields else "response"
        return Evidence(
            "no field that the payload smuggled in", f"{CANARY} in the {where}", where, "injection"
        )
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = unchunked(body)
    return _members(want.relay, body) or _headers(want.relay, fields)


def _members(relay: Relay, body: bytes) -> Evidence | None:
    if not relay.told:
        return None
    given = json_object(body) or {}
    for name, value in relay.told:
        got = given.get(name)
        if evidence.canonical(got) != evidence.canonical(value):
            expected, observed = evidence.both(evidence.canonical(value), evidence.canonical(got))
            return Evidence(f"{name} {expected}", f"{name} {observed}", f"{name} changed", "member")
    return None


def _headers(relay: Relay, fields: dict[str, str]) -> Evidence | None:
    for name, value in relay.headers:
        got = fields.get(name.lower())
        if got != value.strip():
            observed = "no such field" if got is None else evidence.quote(got)
            return Evidence(f"{name}: {value}", observed, f"field {name} changed", "field")
    return None


def _fields(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _injected(response: Response | None) -> bool:
    return response is not None and response.field(CANARY) is not None


def clients_apart(want: Expected, seen: Transcript) -> Evidence | None:
    """Each of several clients gets its own content, whole, and nobody else's."""
    if want.relay is None:
        return None
    for number, other in enumerate(seen.beside, 1):
        got = other.seen.joined("text").get(0, "")
        if other.seen.end == "complete" and got == other.text:
            continue
        if other.seen.end != "complete" and other.text.startswith(got):
            how = f"client {number} beside it ended as {other.seen.end}"
            return Evidence("every client served", how, f"others {other.seen.end}", "unserved")
        expected, observed = evidence.both(other.text, got)
        return Evidence(expected, f"{observed} (client {number})", "contents mixed", "mixed")
    return None


def upstream_cancelled(want: Expected, seen: Transcript) -> Evidence | None:
    """When its client has left, the upstream request is given up."""
    delivery = seen.delivery
    if want.relay is None or not want.relay.left or delivery is None:
        return None
    if not delivery.request or delivery.left is not None:
        return None
    return Evidence(
        "the upstream request given up once the client has left",
        "it was still open when it was looked at",
        "upstream kept",
    )
