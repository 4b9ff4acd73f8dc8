"""F7: faults planted in a streaming daemon, found, made small, and replayed.

``python -m benchmarks.faults [--seconds N] [--quick] [--json] [FAULT…]``. Each fault of
tests/faulty_daemon.py is searched for as ``replayfuzz fuzz --target FILE --variant h1`` does;
a search ends as soon as the rule that the fault breaks is told of, shrunk and proved minimal.
The finding is then played three times by ``replayfuzz replay``. Two faults are also looked
for over HTTP/2, and the same daemon without a fault is searched for as long: nothing may be
found there. ``--quick`` takes one fault of each kind.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from json import dumps
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.table import Row
from replayfuzz import declared, store
from replayfuzz.finding import Finding
from replayfuzz.run import Run, key
from replayfuzz.search import Found, News, Options, fuzz
from tests.faulty_daemon import FAULTS, declared_in

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 40.0
REPLAYS = 3
OVER_HTTP2 = ("utf8-per-chunk", "upstream-kept")
QUICK = (
    *("utf8-per-chunk", "done-always", "status-hidden", "dies-without-descriptor"),
    *("header-injection", "no-content-type", "upstream-kept"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one fault.

    Attributes:
        fault, variant: What was searched.
        rule: The one that it breaks.
        seconds: Until a finding of it was told; None: none was.
        examples: Cases that were tried until then.
        finding, calls, edits, size: Its id, the calls that went into shrinking it, and how
            many edits and bytes of body are left; a bent hand-off or head counts as an edit.
        proved: It is proved minimal.
        replayed: Of REPLAYS replays, those that failed again.
        others: Names of other rules that were told of as failed.
    """

    fault: str
    variant: str
    rule: str
    seconds: float | None = None
    examples: int = 0
    finding: str = ""
    calls: int = 0
    edits: int = 0
    size: int = 0
    proved: bool = False
    replayed: int = 0
    others: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        return self.seconds is not None and self.proved and self.replayed == REPLAYS


class _Watch:
    """Ends a search, as Ctrl-C does, at a finding of *rule* that nothing can be said against.

    Attributes:
        found: The best finding so far, and the seconds until it was told.
    """

    def __init__(self, rule: str) -> None:
        self._rule = rule
        self._began = time.monotonic()
        self.found: tuple[float, Finding] | None = None

    def __call__(self, news: News) -> None:
        if not isinstance(news, Found) or not shows(news.finding, self._rule):
            return
        known = self.found
        if known is None or (proved(news.finding) and not proved(known[1])):
            self.found = (time.monotonic() - self._began, news.finding)
            if proved(news.finding):
                raise KeyboardInterrupt


def shows(finding: Finding, rule: str) -> bool:
    """It tells of *rule*, and each time."""
    told = finding.invariant.partition("/")[0] == rule
    return told and finding.fails and not finding.flaky


def proved(finding: Finding) -> bool:
    """A last pass over all that is left found nothing that can go."""
    return "not proved" not in finding.note and "not shrunk" not in finding.note


def searched(fault: str, variant: str, seconds: float) -> Result:
    """Look for *fault*, and replay what is found."""
    rule = FAULTS[fault][1]
    watch = _Watch(rule)
    with TemporaryDirectory(prefix="replayfuzz-") as name:
        folder = Path(name)
        run = _fuzzed(declared_in(folder, fault), variant, Options(seconds, seed=1), watch)
        examples = sum(target.examples for target in run.targets)
        failed = (each.invariant for each in run.findings if each.fails)
        others = tuple(name for name in dict.fromkeys(failed) if name.partition("/")[0] != rule)
        if watch.found is None:
            return Result(fault, variant, rule, examples=examples, others=others)
        took, finding = watch.found
        replayed = sum(_replay(folder, finding) for _ in range(REPLAYS))
    bent = (finding.plan.head.kind, finding.plan.handoff.kind)
    edits = len(finding.plan.edits) + sum(map(bool, bent))
    size = (finding.calls, edits, finding.body_bytes, proved(finding))
    return Result(
        *(fault, variant, rule, round(took, 1), examples, finding.id, *size, replayed, others)
    )


def _fuzzed(file: Path, variant: str, options: Options, watch: _Watch | None) -> Run:
    target = declared.load(file)
    streams = [one for one in store.shipped() if one.dialect in target.dialects]
    given = Options(
        seconds=options.seconds,
        examples=None,
        seed=options.seed,
        variants=(variant,),
        findings=file.parent / "findings",
    )
    return fuzz([target], streams, given, watch or _quiet)


def _quiet(news: News) -> None:
    del news


def _replay(folder: Path, finding: Finding) -> bool:
    """Whether it fails again, asked as a user asks."""
    place = folder / "findings" / key(finding)
    command = [sys.executable, "-m", "replayfuzz", "replay", str(place)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode == 1


def sound(seconds: float) -> tuple[int, tuple[str, ...]]:
    """How many cases the daemon without a fault was given, and what was told of it."""
    with TemporaryDirectory(prefix="replayfuzz-") as name:
        file = declared_in(Path(name), "")
        run = _fuzzed(file, "h1", Options(seconds, seed=1), None)
    told = (f"{each.invariant}: {each.observed}" for each in run.findings)
    return sum(target.examples for target in run.targets), (*told, *run.errors)


# -- what is told ----------------------------------------------------------------------


def rows(results: list[Result], clean: tuple[int, tuple[str, ...]]) -> list[Row]:
    """F7 as rows of the table."""
    missed = [f"{one.fault} [{one.variant}]" for one in results if not one.held]
    held = len(results) - len(missed)
    what = "planted faults of a daemon found, proved minimal, replayed 3 of 3"
    tried, told = clean
    same = "findings on the daemon without a fault"
    return [
        Row("F7", what, held, "", len(results), note=f"missed: {', '.join(missed)}" * bool(missed)),
        Row("F7", same, len(told), "", 0, False, "; ".join((f"{tried:,} examples", *told))),
    ]


def _line(one: Result) -> str:
    name = f"{one.fault} [{one.variant}]"
    if one.seconds is None:
        also = f"; told: {', '.join(one.others)}" if one.others else ""
        return f"MISSED {name:30} {one.rule}: {one.examples} examples{also}"
    word = "ok" if one.held else "POOR"
    least = "" if one.proved else ", not proved minimal"
    return (
        f"{word:6} {name:30} {one.rule:26} {one.seconds:5.1f} s {one.examples:5} examples "
        f"{one.calls:4} calls {one.edits:2} edits {one.size:5} B, "
        f"replayed {one.replayed}/{REPLAYS}{least}"
    )


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m benchmarks.faults")
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="default: all of them")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="for each of them")
    parser.add_argument("--quick", action="store_true", help="one fault of each kind")
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args(words)
    if unknown := set(given.faults) - {*FAULTS, "F7"}:
        parser.error(f"there is no fault {', '.join(sorted(unknown))}; see tests/faulty_daemon.py")
    names = [name for name in given.faults if name != "F7"] or (QUICK if given.quick else FAULTS)
    wanted = [(name, "h1") for name in names]
    wanted += [(name, "h2c") for name in OVER_HTTP2 if name in names]
    say = sys.stderr if given.json else sys.stdout
    results = []
    for fault, variant in wanted:
        results.append(searched(fault, variant, given.seconds))
        print(_line(results[-1]), file=say, flush=True)
    clean = sound(given.seconds)
    told = rows(results, clean)
    if given.json:
        print(dumps({"rows": [asdict(row) for row in told], "faults": [*map(asdict, results)]}))
        return 0
    for row in told:
        bar = f"of {row.bar:g}" if row.at_least else ""
        print(f"{row.value:g} {bar} {row.what}. {row.note}".replace("  ", " "))
    return int(not all(row.held for row in told))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
