"""The JSON of ``fuzz``, version 1 (DESIGN 10)."""

from __future__ import annotations

import json
from typing import Any

from replayfuzz.finding import VERSION, Finding
from replayfuzz.report.human import ordered
from replayfuzz.run import Deviation, Run, TargetRun


def json_report(run: Run) -> str:
    """A run as JSON text, ASCII only, keys in a fixed order."""
    value = {
        "version": VERSION,
        "seed": run.seed,
        "targets": [_target(target) for target in run.targets],
        "findings": [_finding(finding, run.folder(finding)) for finding in ordered(run)],
        "never_exercised": list(run.never_exercised),
        "interrupted": run.interrupted,
        "errors": list(run.errors),
    }
    return json.dumps(value, indent=2) + "\n"


def _target(target: TargetRun) -> dict[str, Any]:
    return {
        "name": target.name,
        "version": target.version,
        "python": target.python,
        "variants": list(target.variants),
        "examples": target.examples,
        "seconds": round(target.seconds, 3),
        "deviations": [_deviation(deviation) for deviation in target.deviations],
        "skipped": target.skipped or None,
    }


def _deviation(deviation: Deviation) -> dict[str, Any]:
    return {
        "invariant": deviation.name,
        "class": deviation.outcome,
        "variants": list(deviation.variants),
        "stream": deviation.stream,
        "edits": list(deviation.bend),
        "expected": deviation.expected,
        "observed": deviation.observed,
        "accepted": deviation.accepted or None,
    }


def _finding(finding: Finding, folder: str) -> dict[str, Any]:
    return {
        "id": finding.id,
        "target": finding.target,
        "version": finding.version,
        "variant": finding.variants[0] if finding.variants else None,
        "variants": list(finding.variants),
        "invariant": finding.invariant,
        "class": finding.outcome,
        "kinds": list(finding.kinds),
        "edits": list(finding.words),
        "clauses": list(finding.clauses),
        "causes": list(finding.causes),
        "events": finding.events,
        "body_bytes": finding.body_bytes,
        "expected": finding.expected,
        "observed": finding.observed,
        "shape": finding.shape,
        "frame": finding.frame,
        "dialect": finding.dialect,
        "calls": finding.calls,
        "flaky": finding.flaky,
        "accepted": finding.accepted or None,
        "folder": folder or None,
    }
