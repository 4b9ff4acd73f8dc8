"""Which release of a library brought a finding, or mended it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from replayfuzz import environments, findings
from replayfuzz.errors import UsageError
from replayfuzz.search.parallel import sigterm_interrupts
from replayfuzz.search.replay import Answer, Replayed, declared_by, replay
from replayfuzz.target import Target

_UNREAD = {"no-error-on-valid-stream", "no-crash", "no-hang", "garbage"}

Change = Literal["breaks", "mends", "none", "unknown"]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a replay with one release told.

    Attributes:
        answer: As of ``replay``; "unknown" also where the release cannot be installed.
        why: In words.
    """

    release: str
    answer: Answer
    why: str = ""


@dataclass(frozen=True, slots=True)
class Bisected:
    """What came of it.

    Attributes:
        releases: All that were looked at, oldest first.
        tried: Those that were tried, oldest first.
        change: What the release that was found does; "none": both ends agree; "unknown":
            it cannot be told.
        first: The release that does it; several, oldest first, where it is one of them and
            those between cannot be told apart.
        before: The last release known to be as it was before.
    """

    releases: tuple[str, ...]
    tried: tuple[Tried, ...] = ()
    change: Change = "unknown"
    first: tuple[str, ...] = ()
    before: str = ""
    interrupted: bool = False

    @property
    def told(self) -> tuple[Tried, ...]:
        """The releases that could tell, oldest first."""
        return tuple(each for each in self.tried if each.answer != "unknown")

    @property
    def exit_status(self) -> int:
        """0 where a release was found, else 2."""
        return 0 if self.first else 2


@dataclass(frozen=True, slots=True)
class Span:
    """The releases to look at.

    Attributes:
        oldest: Version of the first; "" the oldest of all.
        newest: Version of the last; "" the newest of all.
    """

    oldest: str = ""
    newest: str = ""


def bisect(
    folder: Path,
    target: Target | None = None,
    span: Span | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Bisected:
    """Play the finding in *folder* at releases of the target's library, halving their range.

    Ctrl-C and SIGTERM end it cleanly with what was tried until then.

    Args:
        folder: ``findings/<target>/<id>``, or a file in it.
        target: Its declaration; None: the one that the finding names.
        span: Releases to look at; None: all.
        say: Told in words what is tried and what came of it.

    Raises:
        UsageError: The target is from no registry, or a version is no release of it.
        MissingError, InstallError: Its releases cannot be listed.
        CassetteError, PlanError, StoreError: The folder is not a finding.
    """
    finding = findings.load(folder)
    target = target or declared_by(finding)
    releases = between(environments.releases(target), span or Span(), target)
    package = target.package[environments.registry_of(target)]
    say(f"{package} has {len(releases)} releases from {releases[0]} to {releases[-1]}")

    def tried(release: str) -> Tried:
        wanted = f"{environments.registry_of(target)}:{package}=={release}"
        told = judged(release, replay(folder, target=target, requirement=wanted, say=say))
        say(f"{release}: {told.answer}: {told.why.partition(chr(10))[0]}")
        return told

    with sigterm_interrupts():
        return halve(releases, tried)


def judged(release: str, seen: Replayed) -> Tried:
    """What a replay with *release* tells of the finding.

    The rule also "holds" where a release cannot be used as our adapter uses newer ones, and
    fails before it reads anything: such a release cannot tell.
    """
    unread = [each.name for each in seen.verdict.violations if each.invariant in _UNREAD]
    if seen.answer == "fixed" and unread:
        return Tried(release, "unknown", f"it does not read this stream at all: {unread[0]}")
    return Tried(release, seen.answer, seen.why)


def between(releases: Sequence[str], span: Span, target: Target) -> tuple[str, ...]:
    """Those of *releases*, oldest first, that are in *span*.

    Raises:
        UsageError: One of its ends is no release, or nothing is in it.
    """
    if not releases:
        raise UsageError(f"no release of the library of target {target.name} is known")
    ends = [
        _place(releases, version) if version else default
        for version, default in ((span.oldest, 0), (span.newest, len(releases) - 1))
    ]
    chosen = tuple(releases[ends[0] : ends[1] + 1])
    if not chosen:
        raise UsageError(f"--from {span.oldest} is newer than --to {span.newest}")
    return chosen


def _place(releases: Sequence[str], version: str) -> int:
    for spelt in (version, f"v{version}", version.removeprefix("v")):
        if spelt in releases:
            return releases.index(spelt)
    shown = f"{', '.join(releases[-5:])}" if len(releases) > 5 else ", ".join(releases)
    raise UsageError(f"{version} is no release that can be tried; the newest are {shown}")


def halve(releases: Sequence[str], oracle: Callable[[str], Tried]) -> Bisected:
    """Find where the answer of *oracle* changes, with about log2 of the releases tried.

    It assumes one change in the range. A release that cannot tell is stepped over.

    Args:
        releases: Oldest first; at least one.
        oracle: Tries one; may raise KeyboardInterrupt, which ends it.
    """
    search = _Halving(tuple(releases), oracle)
    try:
        return search.run()
    except KeyboardInterrupt:
        return search.ended(interrupted=True)


@dataclass(slots=True)
class _Halving:
    """Places below are indexes of ``releases``."""

    releases: tuple[str, ...]
    oracle: Callable[[str], Tried]
    known: dict[int, Tried] = field(default_factory=dict)

    def run(self) -> Bisected:
        count = len(self.releases)
        high = self._end(range(count - 1, -1, -1))
        low = None if high is None else self._end(range(high + 1))
        if low is None or high is None:
            return self.ended()
        if self._answer(low) == self._answer(high):
            return self.ended("none")
        while (place := self._next(low, high)) is not None:
            answer = self._answer(place)
            if answer == self._answer(low):
                low = place
            elif answer == self._answer(high):
                high = place
        change: Change = "breaks" if self._answer(high) == "fails" else "mends"
        return self.ended(change, (low, high))

    def ended(
        self,
        change: Change = "unknown",
        ends: tuple[int, int] | None = None,
        *,
        interrupted: bool = False,
    ) -> Bisected:
        tried = tuple(self.known[place] for place in sorted(self.known))
        low, high = ends or (0, -1)
        return Bisected(
            self.releases,
            tried,
            change,
            self.releases[low + 1 : high + 1] if ends else (),
            self.releases[low] if ends else "",
            interrupted,
        )

    def _answer(self, place: int) -> Answer:
        if place not in self.known:
            self.known[place] = self.oracle(self.releases[place])
        return self.known[place].answer

    def _end(self, places: Sequence[int]) -> int | None:
        """The first of *places* that can tell: in ever longer steps, then back by halves.

        Releases that cannot be used any more are mostly all that are older than one.
        """
        silent, step, found = -1, 1, 0
        while self._answer(places[found]) == "unknown":
            if found == len(places) - 1:
                return None
            silent = found
            found = min(found + step, len(places) - 1)
            step *= 2
        while found - silent > 1:
            middle = (found + silent) // 2
            if self._answer(places[middle]) == "unknown":
                silent = middle
            else:
                found = middle
        return places[found]

    def _next(self, low: int, high: int) -> int | None:
        """The place to try between *low* and *high*: the middle, or away from silent ones."""
        inside = range(low + 1, high)
        tried = [place for place in inside if place in self.known]
        for place in tried:
            if self._answer(place) != "unknown":
                return place  # tried on the way to an end: it costs nothing
        untried = [place for place in inside if place not in self.known]
        if not untried:
            return None
        silent = len(tried)
        aim = low + (high - low) * _fraction(silent + 1)
        return min(untried, key=lambda place: (abs(place - aim), place))


def _fraction(number: int) -> float:
    """1/2, 1/4, 3/4, 1/8, 5/8, …: the bits of *number* behind the point, in reverse."""
    value, weight = 0.0, 0.5
    while number:
        value += weight * (number & 1)
        number >>= 1
        weight /= 2
    return value
