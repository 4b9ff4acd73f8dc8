"""F1: bugs of real releases, found on the bad one, and not reported on the fixed one.

``python -m benchmarks.knownbugs [--seeds N] [--only ID] [--time 60s] [--fixed 20s] [--json]``.
Each run is what ``replayfuzz fuzz --with PACKAGE==VERSION`` does, with the shipped cassettes;
the search on *bad* ends as soon as the bug is found, the one on *fixed* lasts all its time.
Seconds are wall time, with starting the processes and without building the environments.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.knownbugs_text import HEAD, medians, shown
from benchmarks.table import Row, to_json
from replayfuzz import declared, environments, store
from replayfuzz.cli.fuzz import seconds as duration
from replayfuzz.errors import ReplayfuzzError
from replayfuzz.finding import Finding
from replayfuzz.run import Run
from replayfuzz.search import Found, News, Options, fuzz

FACTS = Path(__file__).with_name("knownbugs.json")


@dataclass(frozen=True, slots=True)
class Mark:
    """One way in which a bug shows; None and "" where it does not matter."""

    kinds: tuple[str, ...] | None = None
    body: str = ""
    shape: str = ""

    def fits(self, finding: Finding) -> bool:
        sent = finding.bent.body.decode("utf-8", "replace")
        return (
            self._kinds_fit(finding.kinds)
            and re.search(self.body, sent) is not None
            and re.search(self.shape, finding.shape) is not None
        )

    def _kinds_fit(self, kinds: tuple[str, ...]) -> bool:
        if self.kinds is None:
            return True
        fits = all(any(fnmatchcase(kind, one) for one in self.kinds) for kind in kinds)
        return fits and bool(kinds) == bool(self.kinds)


@dataclass(frozen=True, slots=True)
class Bug:
    """An entry of knownbugs.json.

    Attributes:
        variants, dialects: Those that "fixed" mended; empty: all.
        still: What the body of another bug looks like that *fixed* has, and that shows alike.
    """

    id: str
    target: str
    package: str
    bad: str
    fixed: str
    trigger: str
    reference: str
    invariants: tuple[str, ...]
    marks: tuple[Mark, ...]
    variants: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ()
    still: str = ""

    def left_in(self, finding: Finding) -> bool:
        """Whether *finding*, of the fixed release, says that the bug is still in it."""
        sent = finding.bent.body.decode("utf-8", "replace")
        other = self.still and re.search(self.still, sent) is not None
        return self.shown_by(finding) and not other

    def shown_by(self, finding: Finding) -> bool:
        """Whether *finding* is this bug, and counts against the release."""
        names = (finding.invariant, finding.invariant.partition("/")[0])
        return (
            finding.fails
            and any(fnmatchcase(name, one) for name in names for one in self.invariants)
            and any(mark.fits(finding) for mark in self.marks)
        )


def known() -> tuple[Bug, ...]:
    """The entries of knownbugs.json."""
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    return tuple(_bug(entry, facts["groups"]) for entry in facts["bugs"])


def _bug(entry: dict[str, Any], groups: dict[str, list[str]]) -> Bug:
    marks = tuple(map(_mark, entry.pop("marks")))
    named = (groups[name[1:]] if name.startswith("@") else [name] for name in entry["invariants"])
    lists = {name: tuple(entry.get(name, ())) for name in ("variants", "dialects")}
    invariants = tuple(one for some in named for one in some)
    return Bug(**{**entry, **lists, "invariants": invariants}, marks=marks)


def _mark(entry: dict[str, Any]) -> Mark:
    return Mark(**(entry | ({"kinds": tuple(entry["kinds"])} if "kinds" in entry else {})))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one bug with one seed.

    Attributes:
        seconds: Until it was told on the bad release; None: it was not.
        finding, calls, bytes, events: Of that finding; *bytes* and *events* of the body.
        examples: Bent streams tried on the fixed release; *false* the findings there that say
            the bug is still in it.
        error: Why one of the searches could not be made.
    """

    bug: str
    release: str
    seed: int
    seconds: float | None = None
    finding: str = ""
    calls: int = 0
    bytes: int = 0
    events: int = 0
    examples: int = 0
    false: tuple[str, ...] = ()
    error: str = ""

    @property
    def held(self) -> bool:
        return self.seconds is not None and not self.false and not self.error


class _Watch:
    """Ends a run, as Ctrl-C does, when it has told of the bug."""

    def __init__(self, bug: Bug) -> None:
        self._bug = bug
        self._began = time.monotonic()
        self.found: tuple[float, Finding] | None = None

    def __call__(self, news: News) -> None:
        if self.found or not isinstance(news, Found) or news.finding.flaky:
            return
        if self._bug.shown_by(news.finding):
            self.found = (time.monotonic() - self._began, news.finding)
            raise KeyboardInterrupt


def _quiet(news: News) -> None:
    del news


def tried(bug: Bug, options: Options, fixed: float | None = None) -> Result:
    """Search both releases.

    Args:
        bug: What is looked for.
        options: Of the search on the bad release.
        fixed: Seconds on the fixed one; None: as many as on the bad one.
    """
    result = Result(bug.id, f"{bug.package} {bug.bad} / {bug.fixed}", options.seed)
    watch = _Watch(bug)
    try:
        run = _search(bug, bug.bad, options, watch)
    except ReplayfuzzError as error:
        return replace(result, error=str(error).partition("\n")[0])
    result = replace(result, error=_trouble(run))
    if watch.found is not None:
        took, finding = watch.found
        result = replace(
            *(result,),
            seconds=round(took, 1),
            finding=finding.id,
            calls=finding.calls,
            bytes=finding.body_bytes,
            events=finding.events,
        )
    try:
        run = _search(bug, bug.fixed, replace(options, seconds=fixed or options.seconds), _quiet)
    except ReplayfuzzError as error:  # one that cannot be installed must not end the others
        return replace(result, error=str(error).partition("\n")[0])
    false = tuple(finding.id for finding in run.findings if bug.left_in(finding))
    examples = sum(target.examples for target in run.targets)
    return replace(result, false=false, examples=examples, error=result.error or _trouble(run))


def _search(bug: Bug, version: str, options: Options, tell: Any) -> Run:
    target = declared.find(bug.target)
    wanted = f"{bug.package}=={version}"
    environments.build(target, wanted)
    with TemporaryDirectory() as folder:
        place = (options.findings or Path(folder)) / wanted
        options = replace(
            options, requirements={bug.target: wanted}, findings=place, variants=bug.variants
        )
        streams = (one for one in store.shipped() if one.dialect in (bug.dialects or [one.dialect]))
        if isinstance(tell, _Watch):
            tell._began = time.monotonic()
        run = fuzz((target,), tuple(streams), options, tell)
    if run.interrupted and not (isinstance(tell, _Watch) and tell.found):
        raise KeyboardInterrupt  # the user's own: not only this search is to end
    return run


def _trouble(run: Run) -> str:
    return "; ".join([*run.errors, *(target.skipped for target in run.targets if target.skipped)])


def rows(results: list[Result]) -> list[Row]:
    """F1 as the table of ``python -m benchmarks`` has it."""
    share = 100 * sum(result.held for result in results) / max(len(results), 1)
    slowest = max((result.seconds or 0 for result in results), default=0)
    note = f"{len(results)} searches; the slowest took {slowest:.1f} s"
    return [Row("F1", "known bugs found on bad, silent on fixed", share, "%", 100, note=note)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.knownbugs")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 1 on")
    parser.add_argument("--only", action="append", default=[], metavar="ID")
    parser.add_argument("--time", type=duration, default=60.0, metavar="60s")
    parser.add_argument("--fixed", type=duration, metavar="20s", help="else the same as --time")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep all findings here")
    parser.add_argument("--quick", action="store_true", help="the same as --time 15s")
    given = parser.parse_args()
    limit = 15.0 if given.quick else given.time
    fixed = given.fixed or limit
    bugs = [bug for bug in known() if not given.only or bug.id in given.only]
    if not bugs:
        parser.error(f"there are {', '.join(bug.id for bug in known())}")
    results: list[Result] = []
    if not given.json:
        print(HEAD, flush=True)
    for seed in range(1, given.seeds + 1):
        for bug in bugs:
            keep = given.keep and given.keep / str(seed)
            options = Options(limit, None, seed, given.jobs, findings=keep)
            results.append(tried(bug, options, fixed))
            if not given.json:
                print(shown(results[-1]), flush=True)
    held = sum(result.held for result in results)
    if given.json:
        told = [{**asdict(one), "held": one.held} for one in results]
        print(json.dumps({"rows": json.loads(to_json(rows(results))), "results": told}, indent=2))
    else:
        if given.seeds > 1:
            print(*medians(results), sep="\n")
        lasted = f"{limit:g} s on bad, {fixed:g} s on fixed"
        print(f"{held} of {len(results)} held, {lasted}, {given.jobs} jobs")
    return int(held < len(results))


if __name__ == "__main__":
    sys.exit(main())
