"""The rivals of replayfuzz, and replayfuzz: each plays a match with the same worker and oracle.

The same proof is asked of all, except for rules that one case cannot show: there, the marks of
``knownbugs`` tell whether a finding of ours is the bug.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from benchmarks import knownbugs, rivals_atheris
from benchmarks.knownbugs import Bug
from benchmarks.rivals_match import Match, Over, Tried, broken, raw, worker
from replayfuzz import declared, environments, store
from replayfuzz.cassette import Exchange
from replayfuzz.finding import Finding
from replayfuzz.plan import Cut, Plan, Slice
from replayfuzz.processes import Died, Process, Silent
from replayfuzz.search import Found, News, Options, probes
from replayfuzz.search.case import UNBENT, Case

CUTS = 8  # at most, in one example of plain Hypothesis
VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors" / "vectors.json"
BYTEWISE = Plan((Slice(0, 1),), keep_chunks=False, keep_times=False)


# -- static vectors ----------------------------------------------------------------------


def vectors(match: Match, number: int) -> Tried:
    """Every shipped stream as recorded, whole and byte by byte; and vectors for raw readers."""
    del number
    note, shown, done = "", None, False
    streams = list(match.streams)
    if "sse" in {stream.dialect for stream in streams}:
        streams += listed(VECTORS)
        note = "" if VECTORS.is_file() else "without the vectors, which are not here"
    try:
        cases = (
            Case(stream, plan, variant)
            for stream in streams
            for plan in (UNBENT, BYTEWISE)
            for variant in match.variants
        )
        shown = next(filter(match.shows, cases), None)
        done = shown is None
    except Over:
        pass
    return replace(match.found("vectors", shown), note=note, done=done)


def listed(file: Path) -> list[Exchange]:
    """The streams of a file of vectors; none where there is no file."""
    if not file.is_file():
        return []
    return [
        raw(one["id"], bytes.fromhex("".join(one["chunks"])))
        for one in json.loads(file.read_text(encoding="utf-8"))["sse"]
    ]


# -- plain Hypothesis --------------------------------------------------------------------


@st.composite
def cut_anywhere(draw: st.DrawFn, streams: tuple[Exchange, ...], variants: tuple[str, ...]) -> Case:
    """A stream as it was recorded, cut at offsets that nobody chose."""
    stream = draw(st.sampled_from(streams))
    spots = draw(st.lists(st.integers(0, len(stream.body)), max_size=CUTS, unique=True))
    plan = Plan(tuple(map(Cut, spots)), keep_chunks=False, keep_times=False)
    return Case(stream, plan, draw(st.sampled_from(variants)))


def hypothesis(match: Match, number: int) -> Tried:
    """Plain ``@given``: its own drawing, its own shrinking, no families of ours."""
    shown: list[tuple[float, Case]] = []

    def holds(case: Case) -> None:
        if match.shows(case):
            shown.append((time.monotonic() - match.began, case))
            raise AssertionError

    # What is drawn early is what shrinking ends at: the smallest stream first.
    streams = tuple(sorted(match.streams, key=lambda stream: len(stream.body)))
    quiet = settings(
        max_examples=10**7,
        deadline=None,
        database=None,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    note, done = "", False
    try:
        seed(number)(quiet(given(cut_anywhere(streams, match.variants))(holds)))()
        done = True
    except (AssertionError, Flaky):
        pass  # told by holds; it is flaky where the time of a call decides
    except Over:
        note = "not minimal yet" if shown else ""
    if not shown:
        return replace(match.found("hypothesis", None), done=done)
    smallest = min((case for _, case in shown), key=_size) if note else shown[-1][1]
    return replace(match.found("hypothesis", smallest, shown[0][0]), note=note)


def _size(case: Case) -> tuple[int, int]:
    return len(case.bent.body), len(case.bent.cuts)


# -- atheris -----------------------------------------------------------------------------


def atheris(match: Match, number: int) -> Tried:
    """Guided by coverage, in a process of its own; its seed inputs are the shipped streams."""
    bug = match.bug
    target = declared.find(bug.target)
    wanted = replace(target, needs=(*target.needs, "atheris"))
    environment = environments.build(wanted, f"{bug.package}=={bug.bad}")
    # Building it is not searching.
    match.began, match.until = time.monotonic(), match.until + time.monotonic() - match.began
    with TemporaryDirectory() as folder:
        for at, stream in enumerate(match.streams):
            Path(folder, str(at)).write_bytes(rivals_atheris.packed(stream.body))
        command = (environment.python, rivals_atheris.__file__, bug.target, str(number), folder)
        process = Process(command, environment.variables)
        try:
            return match.found("atheris", _first(match, process))
        except Died as died:
            return replace(match.found("atheris", None), played=False, note=f"{died}"[:200])
        finally:
            process.kill()


def _first(match: Match, process: Process) -> Case | None:
    """The first of the differences that it tells which is the bug."""
    try:
        while True:
            told = json.loads(process.line(match.until - time.monotonic()))
            stream = raw("atheris", bytes.fromhex(told["body"]))
            plan = Plan(tuple(map(Cut, told["cuts"])), keep_chunks=False, keep_times=False)
            case = Case(stream, plan, match.variants[0])
            if match.shows(case):
                return case
    except (Silent, Over):
        return None


# -- replayfuzz --------------------------------------------------------------------------


class _Judged(knownbugs._Watch):
    """Ends the run at the first finding that is a proof of the bug."""

    def __init__(self, match: Match) -> None:
        super().__init__(match.bug)
        self._match = match

    def __call__(self, news: News) -> None:
        if self.found or not isinstance(news, Found) or news.finding.flaky:
            return
        if self._proves(news.finding):
            self.found = (time.monotonic() - self._began, news.finding)
            raise KeyboardInterrupt

    def _proves(self, finding: Finding) -> bool:
        if probes.find(finding.invariant) is not None:
            return self._bug.shown_by(finding)
        if not finding.fails:
            return False
        case = Case(finding.exchange, finding.plan, finding.variants[0])
        shapes = broken(self._bug, self._match.bad, case, 2.0)
        return bool(shapes) and self._match.proven(case, shapes)


def ours(match: Match, number: int) -> Tried:
    """The search of replayfuzz in one process, until it has told of the bug, minimal."""
    watch = _Judged(match)
    options = Options(match.until - match.began, None, number, 1, findings=None)
    run = knownbugs._search(match.bug, match.bug.bad, options, watch)
    told = Tried(match.bug.id, "replayfuzz", calls=sum(one.examples for one in run.targets))
    if watch.found is None:
        return replace(told, note="; ".join(run.errors))
    took, finding = watch.found
    if took > match.until - match.began:
        return replace(told, note=f"told after its time, at {took:.1f} s")
    sizes = {"bytes": finding.body_bytes, "cuts": len(finding.bent.cuts)}
    return replace(told, seconds=round(took, 1), calls=finding.calls, **sizes)


RIVALS: dict[str, Callable[[Match, int], Tried]] = {
    "replayfuzz": ours,
    "hypothesis": hypothesis,
    "vectors": vectors,
    "atheris": atheris,
}


def absent(bug: Bug, rival: str) -> str:
    """Why a rival cannot play for a bug; "" where it can."""
    if rival != "replayfuzz" and all(probes.find(rule) for rule in bug.invariants):
        return "the bug is in how time grows, which no single example shows"
    if rival == "atheris" and bug.target not in rivals_atheris.TARGETS:
        return "for raw readers in Python only"
    return ""


def play(bug: Bug, rival: str, seconds: float, number: int, *, hurt: bool = True) -> Tried:
    """Let one rival search for one bug; an environment that is not there yet is built first.

    Args:
        bug, rival: Which.
        seconds: The rival's time.
        number: Seed.
        hurt: The rivals are given the shipped streams that were written to hurt, too.
    """
    if why := absent(bug, rival):
        return Tried(bug.id, rival, note=why, played=False)
    target = declared.find(bug.target)
    environments.build(target, f"{bug.package}=={bug.bad}")
    with worker(bug, bug.fixed) as fixed:
        began = time.monotonic()
        with worker(bug, bug.bad) as bad:
            wanted = set(bad.dialects) & set(bug.dialects or bad.dialects)
            streams = tuple(
                one
                for one in store.shipped()
                if one.dialect in wanted and (hurt or "/hurt-" not in one.name)
            )
            variants = bug.variants or bad.variants
            match = Match(bug, bad, fixed, streams, variants, began, began + seconds)
            return RIVALS[rival](match, number)
