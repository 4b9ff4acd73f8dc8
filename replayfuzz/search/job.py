"""The part of a campaign that one process does: lanes that share its time fairly."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from replayfuzz import findings
from replayfuzz.cassette import Exchange
from replayfuzz.environments import Environment
from replayfuzz.errors import ReplayfuzzError, StoreError
from replayfuzz.finding import Finding
from replayfuzz.handoff import Built
from replayfuzz.run import TargetRun, key
from replayfuzz.search.bounds import Bounds
from replayfuzz.search.buckets import Told
from replayfuzz.search.case import Attempt
from replayfuzz.search.daemons import InDaemon
from replayfuzz.search.journal import Journal
from replayfuzz.search.lane import Lane
from replayfuzz.search.news import Found, Note, Progress, Tell
from replayfuzz.search.options import Options
from replayfuzz.search.process import InWorker
from replayfuzz.target import Target

SLICE = 0.25  # seconds that a target is searched before the next one has its turn
GRACE = 2.0  # seconds after the end in which what is known already is still confirmed
TELL_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Work:
    """One target for one process.

    Attributes:
        part: ``(k, n)``: which part of the fixed cases this process tries.
    """

    target: Target
    environment: Environment | Built
    part: tuple[int, int] = (0, 1)


@dataclass(frozen=True, slots=True)
class Done:
    """What a process did; parts of several are put together by ``campaign``."""

    targets: tuple[TargetRun, ...] = ()
    findings: tuple[Finding, ...] = ()
    folders: dict[str, str] = field(default_factory=dict)
    exercised: frozenset[str] = frozenset()
    errors: tuple[str, ...] = ()
    interrupted: bool = False
    untold: tuple[str, ...] = ()


Begin = Callable[[Work], Attempt]


def begin(work: Work) -> InWorker | InDaemon:
    """A worker or a daemon for *work*, started.

    Raises:
        StartError: It does not start.
    """
    attempt: InWorker | InDaemon
    if isinstance(work.environment, Built):
        attempt = InDaemon(work.target, work.environment)
    else:
        attempt = InWorker(work.target, work.environment)
    try:
        attempt.start()
    except BaseException:
        attempt.close()
        raise
    return attempt


class Job:
    """Searches its targets until the time is over, the examples are done, or it is stopped.

    Args:
        works: Its targets.
        exchanges: All streams; each target gets those of its dialects.
        options: Of the run.
        until: End on the monotonic clock; None: examples decide.
        tell: Told what happens.

    Attributes:
        heard: Asked what other processes found since it was asked last, by target.
    """

    def __init__(
        self,
        works: Sequence[Work],
        exchanges: Sequence[Exchange],
        options: Options,
        until: float | None,
        tell: Tell,
    ) -> None:
        self._works = tuple(works)
        self._exchanges = tuple(exchanges)
        self._options = options
        self._until = until
        self._tell = tell
        self.heard: Callable[[], Sequence[tuple[str, Told]]] = tuple
        self._journal = Journal(options.findings, options.seed)
        self._lanes: list[Lane] = []
        self._skipped: list[TargetRun] = []
        self._folders: dict[str, str] = {}
        self._errors: list[str] = []
        self._unsaved = False
        self._began = time.monotonic()
        self._told = 0.0

    def run(self, begin: Begin = begin) -> Done:
        """Do all of it. Ctrl-C (KeyboardInterrupt) ends it early, with what there is."""
        interrupted = False
        try:
            try:
                for work in self._works:
                    self._open(work, begin)
                self._search()
            except KeyboardInterrupt:
                interrupted = True
            self._finish()
        except KeyboardInterrupt:  # twice: the user does not want to wait for that
            interrupted = True
        finally:
            self._close()
        return replace(self._done(), interrupted=interrupted)

    def _finish(self) -> None:
        # A last call that took long has taken from this, too: the parent does not wait for ever.
        now = time.monotonic()
        until = GRACE + (now if self._until is None else min(now, self._until))
        for lane in self._lanes:
            with contextlib.suppress(ReplayfuzzError):
                lane.finish(until)

    def _open(self, work: Work, begin: Begin) -> None:
        try:
            attempt = begin(work)
        except ReplayfuzzError as error:
            self._skip(work.target, str(error).removeprefix(f"{work.target.name}: "))
            return
        dialects = getattr(attempt, "dialects", work.target.dialects)
        exchanges = tuple(item for item in self._exchanges if item.dialect in dialects)
        offered = getattr(attempt, "variants", work.target.variants)
        variants = tuple(v for v in offered if v in (self._options.variants or offered))
        if not exchanges or not variants:
            what = "stream of its dialects" if not exchanges else "such variant"
            known = ", ".join(dialects if not exchanges else offered)
            self._skip(work.target, f"there is no {what}; it has {known}")
            attempt.close()
            return
        options = self._options
        bounds = Bounds(self._until, _share(options.examples, work.part), work.part, options.seed)
        self._lanes.append(Lane(attempt, exchanges, variants, bounds, self._journal, self._found))

    def _skip(self, target: Target, why: str) -> None:
        self._skipped.append(TargetRun(target.name, skipped=why))
        self._tell(Note(f"{target.name}: skipped: {why}"))

    def _search(self) -> None:
        """The lane that had the least time is next."""
        going = list(self._lanes)
        while going:
            for name, finding in self.heard():
                for lane in going:
                    if lane.attempt.target.name == name:
                        lane.hunt.hear(finding)
            lane = min(going, key=lambda lane: lane.clock.all)
            try:
                lane.run(time.monotonic() + SLICE)
            except ReplayfuzzError as error:
                name = lane.attempt.target.name
                self._errors.append(f"{name}: the search ended early: {error}")
                self._tell(Note(self._errors[-1]))
                going.remove(lane)
                continue
            self._progress(lane)
            if lane.done:
                going.remove(lane)

    def _progress(self, lane: Lane) -> None:
        now = time.monotonic()
        if now - self._told < TELL_EVERY:
            return
        self._told = now
        left = None if self._until is None else max(0.0, self._until - now)
        found = sum(len(each.hunt.buckets.findings) for each in self._lanes)
        tried = sum(each.examples for each in self._lanes)
        self._tell(Progress(tried, found, now - self._began, left, lane.attempt.target.name))

    def _found(self, finding: Finding) -> None:
        """Save it at once: whatever happens now, it is not lost."""
        folder = ""
        if self._options.findings is not None:
            try:
                folder = str(findings.save(finding, self._options.findings))
                self._folders[key(finding)] = folder
            except StoreError as error:
                if not self._unsaved:  # the next ones fail for the same reason
                    self._unsaved = True
                    self._errors.append(f"findings are shown and not saved: {error}")
                    self._tell(Note(self._errors[-1]))
        self._tell(Found(finding, folder))

    def _close(self) -> None:
        for lane in self._lanes:
            with contextlib.suppress(ReplayfuzzError):  # one that fails must not keep the others
                lane.attempt.close()
        self._journal.close()

    def _done(self) -> Done:
        exercised = frozenset().union(*(lane.exercised for lane in self._lanes))
        return Done(
            (*(lane.result() for lane in self._lanes), *self._skipped),
            tuple(each for lane in self._lanes for each in lane.hunt.buckets.findings),
            self._folders,
            exercised,
            tuple(self._errors),
            untold=tuple(each for lane in self._lanes for each in lane.untold),
        )


def _share(examples: int | None, part: tuple[int, int]) -> int | None:
    if examples is None:
        return None
    number, parts = part
    return examples // parts + (number < examples % parts)
