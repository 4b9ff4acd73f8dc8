"""Verdicts that are milder because of what we did ourselves: content codings."""

from __future__ import annotations

from dataclasses import replace

from replayfuzz.cassette import Exchange
from replayfuzz.plan import Plan
from replayfuzz.transcript import Transcript
from replayfuzz.verdict import Verdict
from replayfuzz.wire.request import accepts

_ALWAYS = frozenset({"no-crash", "no-hang"})


def asked_for(exchange: Exchange, plan: Plan, seen: Transcript) -> bool:
    """Whether the body came in a coding that the client takes, by the request that it sent."""
    coding = plan.head.coding or exchange.coding
    request = seen.delivery.request if seen.delivery else b""
    return not (coding and request) or accepts(request, coding)


def excused(verdict: Verdict) -> Verdict:
    """The verdict on a client that was sent a coding that it had said it does not take.

    RFC 9110 section 12.5.3: the server at fault is we. It may make anything of it, but it
    has to come to an end.
    """
    return Verdict(
        tuple(
            one
            if one.outcome == "informational" or one.invariant in _ALWAYS
            else replace(one, outcome="non-strict")
            for one in verdict.violations
        )
    )


def held_back(exchange: Exchange, plan: Plan, end: str, verdict: Verdict) -> Verdict:
    """The verdict on a stream in a content coding that broke off.

    A decoder may hold back what it has until it has more, and one that runs beside the
    connection may lose it when that breaks: no clause says how much of an incomplete coded
    body (RFC 9110 section 8.4.1, RFC 1951) has to come out.
    """
    coded = plan.head.coding or exchange.coding
    if not coded or end != "incomplete":
        return verdict
    return Verdict(
        tuple(
            replace(one, outcome="non-strict")
            if one.invariant == "content-prefix" and one.outcome == "failed"
            else one
            for one in verdict.violations
        )
    )
