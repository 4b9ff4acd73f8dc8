"""docs/findings.md: findings in current releases that were verified by hand.

Each is a folder of ``docs/findings/<target>/<id>/``, as ``fuzz`` saved it but for ``repro.py``,
which is nearly the same in each; and beside its files an ``about.toml``: what somebody who read the
standard and the library's source says of it.

``python -m benchmarks.findings`` prints the page; ``--write`` puts it in its place;
``--replay 5 [--only TARGET]`` plays each finding so many times at the release that it names, and
exits with 1 when one of them does not fail each time.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from replayfuzz import declared, findings, search
from replayfuzz.finding import Finding
from replayfuzz.report.marks import marked

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "findings"
PAGE = ROOT / "docs" / "findings.md"

LONGEST = 12  # lines of a stream that are shown; its folder has all
KEYS = ("title", "trigger", "clause", "happens", "should", "since")


@dataclass(frozen=True, slots=True)
class About:
    """What a person says of a finding: the file ``about.toml``.

    Attributes:
        title: What is wrong, in a line.
        trigger: Kind of what brings it out (``byte order mark``, ``line separator``, …).
        clause: Where it is written what a reader has to do.
        happens, should: What the library does with the bytes, and what it should.
        since: First release that has it, by ``replayfuzz bisect``; or how far it was looked.
        choice: Reason for which it counts as a design choice, not as failed; "" where it fails.
    """

    title: str
    trigger: str
    clause: str
    happens: str
    should: str
    since: str
    choice: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """A finding with what is said of it, and where it is."""

    finding: Finding
    about: About
    folder: Path

    @property
    def package(self) -> str:
        """Name of the package under test."""
        library = declared.find(self.finding.target).package
        return next(iter(library.values()), self.finding.target)

    @property
    def release(self) -> str:
        """What ``--with`` takes: the release that shows it."""
        registry = next(iter(declared.find(self.finding.target).package), "")
        prefix = f"{registry}:" if registry not in {"", "pypi"} else ""
        return f"{prefix}{self.package}=={self.finding.version}"


def published() -> tuple[Published, ...]:
    """Every folder below docs/findings, by package and title."""
    found = [
        Published(findings.load(place), _about(place / "about.toml"), place)
        for place in findings.find(FOLDER)
    ]
    return tuple(sorted(found, key=lambda each: (each.package.lower(), each.about.title)))


def _about(file: Path) -> About:
    given = tomllib.loads(file.read_text(encoding="utf-8"))
    known = {item.name for item in fields(About)}
    if not set(KEYS) <= set(given) <= known:
        raise SystemExit(f"{file}: it has {sorted(given)}; it needs {sorted(KEYS)}")
    return About(**given)


# -- the page --------------------------------------------------------------------------


def page(found: Sequence[Published]) -> str:
    """docs/findings.md as Markdown."""
    return "\n".join([*_lines(found), ""])


def _lines(found: Sequence[Published]) -> Iterator[str]:
    failed = [each for each in found if not each.about.choice]
    packages = {each.package for each in failed}
    triggers = Counter(each.about.trigger for each in failed)
    yield "# Findings in current releases\n"
    yield "Made by `python -m benchmarks.findings --write` from the folders in"
    yield "[findings/](findings/); a test keeps it in step. Each was made minimal by"
    yield "`replayfuzz fuzz`, read beside the clause, and replayed five times out of five over a"
    yield "real socket, but time, which is measured in memory: `benchmarks.findings --replay 5`.\n"
    yield f"{len(failed)} findings in {len(packages)} packages, {len(triggers)} kinds of trigger:"
    yield ", ".join(f"{name} ({number})" for name, number in triggers.most_common()) + ".\n"
    yield "| Package | Release | What is wrong | Rule | Trigger | Body | Since |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from map(_row, failed)
    for each in failed:
        yield from _section(each)
    choices = [each for each in found if each.about.choice]
    if choices:
        yield "\n# Design choices\n"
        yield "What the standard says otherwise, and a caller can live with: *non-strict*.\n"
    for each in choices:
        yield from _section(each)


def _row(each: Published) -> str:
    finding, about = each.finding, each.about
    cells = (
        each.package,
        finding.version,
        f"[{about.title}](#{_anchor(each)})",
        f"`{finding.invariant}`",
        about.trigger,
        f"{finding.body_bytes} B",
        about.since,
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _anchor(each: Published) -> str:
    return f"{each.finding.target}-{each.finding.id}".replace(".", "-")


def _section(each: Published) -> Iterator[str]:
    finding, about = each.finding, each.about
    yield f'\n<a id="{_anchor(each)}"></a>\n'
    yield f"## {each.package} {finding.version}: {about.title}\n"
    bend = f", bend: {'; '.join(finding.words)}" if finding.words else ""
    variants = ", ".join(finding.variants)
    yield f"`{finding.invariant}`, {finding.dialect}, variants {variants}{bend}\n"
    yield "```text"
    yield from _shown(finding)
    yield "```\n"
    yield f"- **Happens:** {about.happens}"
    yield f"- **Should:** {about.should}"
    yield f"- **Clause:** {about.clause}"
    yield f"- **Since:** {about.since}"
    if about.choice:
        yield f"- **Why it is no failure:** {about.choice}"
    where = each.folder.relative_to(ROOT)
    yield f"- **Replay:** `replayfuzz replay {where} --with {each.release}`"


def _shown(finding: Finding) -> Iterator[str]:
    if finding.exchange.status != 200 or finding.plan.head.status:
        yield f"HTTP {finding.plan.head.status or finding.exchange.status}"
    lines = list(marked(finding.bent))
    yield from lines[:LONGEST]
    if len(lines) > LONGEST:
        yield f"… {len(lines) - LONGEST} more"


# -- replaying -------------------------------------------------------------------------


def replayed(found: Iterable[Published], times: int) -> int:
    """Play each finding *times* times, print how often it failed, and return the exit status."""
    worst = 0
    for each in found:
        answers = Counter(
            search.replay(each.folder, requirement=each.release).answer for _ in range(times)
        )
        told = ", ".join(f"{number} {answer}" for answer, number in answers.most_common())
        print(f"{each.release} {each.finding.id}: {told}", flush=True)
        worst |= answers["fails"] < times
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.findings")
    parser.add_argument("--write", action="store_true", help="write docs/findings.md")
    parser.add_argument("--replay", type=int, default=0, metavar="TIMES")
    parser.add_argument("--only", action="append", default=[], metavar="TARGET")
    given = parser.parse_args()
    found = published()
    if given.replay:
        chosen = [each for each in found if not given.only or each.finding.target in given.only]
        return replayed(chosen, given.replay)
    if given.write:
        PAGE.write_text(page(found), encoding="utf-8")
    else:
        print(page(found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
