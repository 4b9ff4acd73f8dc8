"""Hold a transcript against the rules. This file never grows: rules are rows in ``table``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from replayfuzz.errors import UsageError
from replayfuzz.invariants.ends import raised
from replayfuzz.invariants.fold import fold
from replayfuzz.invariants.invariant import Invariant
from replayfuzz.invariants.table import INVARIANTS
from replayfuzz.transcript import Event, Expected, Transcript
from replayfuzz.verdict import CLASSES, Class, Evidence, Verdict, Violation

_OK = Verdict()
_ROWS = tuple(rule for rule in INVARIANTS if rule.broken is not None)
_BY_ID = {rule.id: rule for rule in INVARIANTS}


def judge(
    wants: tuple[Expected, ...], seen: Transcript, reports: frozenset[str] | None = None
) -> Verdict:
    """Hold *seen* against every rule, for each outcome that the standard allows.

    Args:
        wants: Acceptable outcomes, the ordinary one first; at least one.
        seen: What the target reported.
        reports: Event types that the target shows its caller; rules about others do not
            apply. None: it shows every type.

    Returns:
        The violations of the outcome that is broken least: by the gravest class, then by
        their number, then the earlier outcome.
    """
    # Nearly every example ends here: same content, same end.
    first = wants[0]
    if seen.end == "complete" == first.end and first.relay is None:
        folded = fold(seen.events, reports)
        if "error" not in folded and folded == fold(first.events, reports):
            return _OK
    shown = replace(seen, events=_shown(seen.events, reports))
    verdicts = [_held(want, shown, reports) for want in wants]
    return min(verdicts, key=_gravity)


# What a stream says that is not valid, no standard tells: a reader that takes it otherwise
# than ours deviates from us, not from a clause. (valid-utf8 looks for marks that no reading
# of the bytes gives, so it is not among them.)
_OF_VALID_STREAMS = frozenset(
    {
        *("content-equal", "content-prefix", "reasoning-equal", "refusal-equal"),
        *("role-equal", "tool-calls-equal", "finish-reason-equal", "usage-equal", "model-equal"),
        *("terminal-once", "event-order", "nothing-after-end"),
    }
)


def _needs_valid(rule: str, want: Expected) -> bool:
    # Where HTTP itself says that the message broke off, the stream's validity is no matter.
    early = rule == "truncation-surfaced" and want.message_end == "complete"
    return early or rule in _OF_VALID_STREAMS


def _shown(events: Iterable[Event], reports: frozenset[str] | None) -> tuple[Event, ...]:
    if reports is None:
        return tuple(events)
    return tuple(event for event in events if event.type in reports or event.type == "error")


def _held(want: Expected, seen: Transcript, reports: frozenset[str] | None) -> Verdict:
    want = replace(want, events=_shown(want.events, reports))
    found: list[Violation] = []
    for rule in _ROWS:
        if rule.applies and reports is not None and not rule.applies & reports:
            continue
        evidence = rule.broken(want, seen) if rule.broken else None
        if evidence:
            outcome = evidence.outcome or rule.severity
            if not want.strict and _needs_valid(rule.id, want):
                outcome = _milder(outcome, "non-strict")
            found.append(Violation(rule.id, evidence, outcome))
    return Verdict(tuple(sorted(found, key=_grave, reverse=True))) if found else _OK


def _milder(first: Class, second: Class) -> Class:
    return min(first, second, key=CLASSES.index)


def _grave(violation: Violation) -> int:
    return CLASSES.index(violation.outcome)


def _gravity(verdict: Verdict) -> tuple[int, int]:
    return CLASSES.index(verdict.outcome), len(verdict.violations)


def compare(
    base: Transcript, seen: Transcript, reports: frozenset[str] | None = None
) -> Evidence | None:
    """Rule chunking-independent: two transcripts of the same bytes, cut differently.

    Returns:
        None when they add up to the same and end in the same way, be it the same error.
    """
    if seen.end != base.end or _error(seen) != _error(base):
        return Evidence(_ended(base), _ended(seen), f"end changed: {_ended_shape(seen)}")
    if fold(base.events, reports) == fold(seen.events, reports):
        return None
    # The first answer, taken as what a correct reader says, finds the words for it.
    want = Expected(base.events, "complete", strict=False)
    verdict = judge((want,), replace(seen, end="complete", error=None), reports)
    if not verdict.violations:
        return None
    return verdict.violations[0].evidence


def _error(seen: Transcript) -> tuple[str, str]:
    return (seen.error.type, seen.error.frame) if seen.error else ("", "")


def _ended(seen: Transcript) -> str:
    return f"{seen.end}: {raised(seen.error)[0]}" if seen.error else seen.end


def _ended_shape(seen: Transcript) -> str:
    return f"{seen.end}, {raised(seen.error)[1]}" if seen.error else seen.end


def find(id: str) -> Invariant:
    """The rule of that id; ``<id>/<case>`` names it too.

    Raises:
        UsageError: There is no such rule; the message lists those there are.
    """
    rule = _BY_ID.get(id.partition("/")[0])
    if rule is None:
        raise UsageError(f"there is no invariant {id!r}; known are {', '.join(_BY_ID)}")
    return rule
