"""Play a saved finding again: does it still fail?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from replayfuzz import environments, findings, handoff
from replayfuzz.declared import find, load
from replayfuzz.environments import Environment
from replayfuzz.errors import MissingError, ReplayfuzzError
from replayfuzz.finding import Finding
from replayfuzz.handoff import Built
from replayfuzz.search import probes
from replayfuzz.search.buckets import of
from replayfuzz.search.case import Attempt, Case, Outcome, Over, signatures
from replayfuzz.search.confirm import PATIENCE, TIMES
from replayfuzz.search.job import Work, begin
from replayfuzz.search.probes import Probe, Untold
from replayfuzz.target import Target
from replayfuzz.verdict import Verdict, Violation

Answer = Literal["fails", "fixed", "unknown"]


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay.

    Attributes:
        finding: As it was saved.
        answer: It still fails; it is fixed; or it cannot be told.
        why: In words: what was seen, or why it cannot be told and what to do.
        version: Version of the package that was tried now; "" where nothing was.
        tries: ``(delivery, how many of the tries failed, tries)`` for each way it was played.
        verdict: Of the last try that failed, else of the last one.
    """

    finding: Finding
    answer: Answer
    why: str
    version: str = ""
    tries: tuple[tuple[str, int, int], ...] = ()
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def exit_status(self) -> int:
        """1 while it still fails, 0 when it is fixed, 2 when it cannot be told."""
        return {"fails": 1, "fixed": 0, "unknown": 2}[self.answer]


def replay(
    folder: Path,
    *,
    target: Target | None = None,
    requirement: str | None = None,
    say: Callable[[str], None] | None = None,
) -> Replayed:
    """Play the finding in *folder* over the delivery that showed it, and over a socket.

    Args:
        folder: ``findings/<target>/<id>``, or a file in it.
        target: Its declaration; None: the one of the finding's name.
        requirement: What ``--with`` asks for; None: the version that is installed.
        say: Told in words when something takes a while.

    Raises:
        UsageError, CassetteError, PlanError, StoreError: The folder is not a finding, or
            names a target that is not known.
    """
    finding = findings.load(folder)
    declared = target or declared_by(finding)
    try:
        environment = _environment(declared, requirement, say)
        attempt = begin(Work(declared, environment))
    except ReplayfuzzError as error:
        return Replayed(finding, "unknown", str(error))
    try:
        return again(finding, attempt)
    except ReplayfuzzError as error:
        return Replayed(finding, "unknown", str(error), attempt.version)
    finally:
        attempt.close()


def again(finding: Finding, attempt: Attempt) -> Replayed:
    """Play *finding* on a target that runs.

    Raises:
        StartError: It does not start any more.
    """
    variant = finding.variants[0] if finding.variants else "default"
    if variant not in getattr(attempt, "variants", (variant,)):
        why = f"{finding.target} {attempt.version} has no variant {variant!r} any more"
        return Replayed(finding, "unknown", why, attempt.version)
    probe = probes.find(finding.invariant)
    if probe is not None:
        return _measured(probe, finding, attempt, variant)
    case = Case(finding.exchange, finding.plan, variant)
    overs = [over for over in _ways(finding) if over in attempt.overs(case)]
    if not overs:
        why = f"it was shown over {finding.shown_over}, which this target does not offer now"
        return Replayed(finding, "unknown", why, attempt.version)
    tries, failed, last = [], [], None
    for over in overs:
        outcomes = [attempt.attempt(case, over, PATIENCE) for _ in range(TIMES)]
        bad = [outcome for outcome in outcomes if of(finding) in signatures(outcome)]
        tries.append((over, len(bad), len(outcomes)))
        failed += bad
        last = outcomes[-1]
    assert last is not None
    return _answer(finding, attempt.version, tuple(tries), failed[-1] if failed else last)


def declared_by(finding: Finding) -> Target:
    """The target of that name, else the one of the file that declared it then."""
    file = finding.declaration
    return load(Path(file)) if file and Path(file).is_file() else find(finding.target)


def _measured(probe: Probe, finding: Finding, attempt: Attempt, variant: str) -> Replayed:
    """One transcript cannot show it: it is measured again as when it was found."""
    found = probe.again(attempt, Case(finding.exchange, finding.plan, variant))
    if isinstance(found, Untold):
        return Replayed(finding, "unknown", f"it cannot be told: {found.why}", attempt.version)
    over = finding.shown_over
    if found is None:
        why = "the rule holds now, measured as when it was found"
        return Replayed(finding, "fixed", why, attempt.version, ((over, 0, 1),))
    violation = Violation(probe.rule, found.evidence, finding.outcome)
    return Replayed(
        finding,
        "fails",
        f"it still fails: {found.evidence.observed}",
        attempt.version,
        ((over, 1, 1),),
        Verdict((violation,)),
    )


def _answer(
    finding: Finding, version: str, tries: tuple[tuple[str, int, int], ...], outcome: Outcome
) -> Replayed:
    told = ", ".join(f"{bad} of {number} over {over}" for over, bad, number in tries)
    if any(bad for _, bad, _ in tries):
        return Replayed(
            finding, "fails", f"it still fails: {told}", version, tries, outcome.verdict
        )
    if finding.flaky:
        why = f"it failed {told}, but it was flaky when it was found: replay it some more"
        return Replayed(finding, "unknown", why, version, tries, outcome.verdict)
    others = [each.name for each in outcome.verdict.violations if each.outcome == "failed"]
    # A minimal stream lacks much, so another rule may break on it: that is another matter.
    also = f"; on this stream it breaks {', '.join(others)} instead" if others else ""
    why = f"the rule holds: it failed {told}{also}"
    return Replayed(finding, "fixed", why, version, tries, outcome.verdict)


def _ways(finding: Finding) -> tuple[Over, ...]:
    """The delivery that showed it first; what memory showed is tried over a socket as well."""
    return ("memory", "tcp") if finding.shown_over == "memory" else ("tcp",)


def _environment(
    target: Target, requirement: str | None, say: Callable[[str], None] | None
) -> Environment | Built:
    if target.kind == "daemon":
        return handoff.build(target, say)
    if requirement is not None:
        return environments.build(target, requirement, say)
    try:
        return environments.installed(target)
    except MissingError as error:
        name = target.package.get(environments.registry_of(target), "")
        hint = f"or replay it with --with {name}==VERSION" if name else error.hint
        raise MissingError(str(error), hint=hint) from error
