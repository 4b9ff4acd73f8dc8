"""What a whole campaign did: the value that the search hands to the reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from replayfuzz.finding import Finding
from replayfuzz.verdict import Class


@dataclass(frozen=True, slots=True)
class Deviation:
    """A rule that a target breaks on a stream as recorded, or a breakage that is no finding
    (accepted, or milder than *failed*); told once, not per example.

    Attributes:
        name: ``<invariant>`` or ``<invariant>/<case>``.
        variants: Paths through the library that show it.
        outcome, expected, observed: As in a finding.
        stream: Name of the exchange that showed it first.
        bend: What was done to that stream, in words; () where it broke as recorded.
        accepted: The reason for which the target's declaration accepts it, or "".
    """

    name: str
    variants: tuple[str, ...]
    outcome: Class
    expected: str
    observed: str
    stream: str
    accepted: str = ""
    bend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetRun:
    """What a run did with one target.

    Attributes:
        examples: Bent streams that it was given.
        seconds: Wall time spent on it.
        skipped: Why nothing was run, with what to do about it; "" when it ran.
    """

    name: str
    version: str = ""
    python: str = ""
    variants: tuple[str, ...] = ()
    examples: int = 0
    seconds: float = 0.0
    deviations: tuple[Deviation, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Run:
    """A whole campaign: what ``fuzz`` reports.

    Attributes:
        never_exercised: What no stream of this run could show, in words.
        folders: Finding id to the folder where it was saved, as shown to people.
        interrupted: The user ended it; what was found until then is here.
        errors: What kept us from telling (exit status 2), in words.
    """

    seed: int = 0
    targets: tuple[TargetRun, ...] = ()
    findings: tuple[Finding, ...] = ()
    never_exercised: tuple[str, ...] = ()
    folders: Mapping[str, str] = field(default_factory=dict)
    interrupted: bool = False
    errors: tuple[str, ...] = ()

    @property
    def exit_status(self) -> int:
        """0 all held, 1 a target broke a rule, 2 we could not tell."""
        if any(finding.fails for finding in self.findings):
            return 1
        ran = [target for target in self.targets if target.examples]
        return 2 if self.untold or self.interrupted or not ran else 0

    @property
    def untold(self) -> tuple[str, ...]:
        """What we could not tell, in words: errors of ours, garbage, what was not confirmed."""
        return (
            *self.errors,
            *(
                f"{each.target}: {each.invariant}: {each.observed}"
                for each in self.findings
                if each.outcome == "unknown" and not each.accepted
            ),
            *(
                f"{target.name}: {each.name}: {each.observed}"
                for target in self.targets
                for each in target.deviations
                if each.outcome == "unknown" and not each.accepted
            ),
        )

    def folder(self, finding: Finding) -> str:
        """Where *finding* was saved, or "" where it was not."""
        return self.folders.get(key(finding), "")


def key(finding: Finding) -> str:
    """Name of a finding among those of all targets: the end of its folder's path."""
    return f"{finding.target}/{finding.id}"
