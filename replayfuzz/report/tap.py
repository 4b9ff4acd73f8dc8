"""A run as TAP 14 (https://testanything.org/tap-version-14-specification.html)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from replayfuzz.finding import Finding
from replayfuzz.report.human import ordered, title
from replayfuzz.report.marks import marked, plain, some
from replayfuzz.run import Run


def tap(run: Run) -> str:
    """One test point for each target that held, each finding, and each thing left untold.

    A finding that does not make ``fuzz`` fail is a TODO, which harnesses do not count.
    """
    points = list(_points(run))
    lines = ["TAP version 14", f"1..{len(points)}", f"# seed {run.seed}"]
    for number, (held, words, directive, finding) in enumerate(points, 1):
        ok = "ok" if held else "not ok"
        told = f" # {directive}" if directive else ""
        lines.append(f"{ok} {number} - {_escaped(words)}{told}")
        lines += _details(finding, run.folder(finding)) if finding else []
    lines += [f"# never exercised: {plain(item)}" for item in run.never_exercised]
    return "\n".join(lines) + "\n"


def _points(run: Run) -> Iterator[tuple[bool, str, str, Finding | None]]:
    found = ordered(run)
    for target in run.targets:
        name = f"{target.name} {target.version}".strip()
        if target.skipped:
            yield True, name, f"SKIP {_escaped(target.skipped)}", None
        elif not any(finding.target == target.name for finding in found):
            yield True, f"{name}: {target.examples} examples held", "", None
    for finding in found:
        reason = finding.accepted or f"{finding.outcome}, not failed"
        todo = "" if finding.fails else f"TODO {_escaped(reason)}"
        yield False, f"{title(finding)} ({finding.id})", todo, finding
    for error in run.untold:
        yield False, f"could not tell: {error}", "", None


def _escaped(text: str) -> str:
    return plain(text).replace("\\", "\\\\").replace("#", "\\#")


def _details(finding: Finding, folder: str) -> Iterator[str]:
    """A YAML block; JSON strings are YAML strings."""
    yield "  ---"
    for name in ("requirement", "source", "expected", "observed"):
        yield f"  {name}: {json.dumps(getattr(finding, name))}"
    yield f"  edits: {json.dumps(finding.words)}"
    yield f"  clauses: {json.dumps(finding.clauses)}"
    yield f"  causes: {json.dumps(finding.causes)}"
    yield f"  bytes: {json.dumps(some(marked(finding.bent), 12))}"
    if folder:
        yield f"  replay: {json.dumps(f'replayfuzz replay {folder}')}"
    yield "  ..."
