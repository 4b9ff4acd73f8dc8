"""Examined daemons as JSON: the document of the reference runner, one for each daemon.

One daemon and variant is such a document; several stand in ``daemons`` of one around them. Times
are seconds. ``variant``, ``skipped``, ``restarts`` and ``measured`` are ours and may be ignored.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from replayfuzz.scenarios import Examined, Outcome, Result

_VERSION = "1.0"


def json_form(every: Sequence[Examined]) -> str:
    """JSON text, ASCII only, keys in a fixed order."""
    documents = [_document(examined) for examined in every]
    value = documents[0] if len(documents) == 1 else _around(every, documents)
    return json.dumps(value, indent=2) + "\n"


def _around(every: Sequence[Examined], documents: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {
        name: round(sum(document[name] for document in documents), 6)
        for name in ("total_tests", "passed", "failed", "total_time")
    }
    success = all(examined.success for examined in every)
    return {"version": _VERSION, **sums, "success": success, "daemons": documents}


def _document(examined: Examined) -> dict[str, Any]:
    skipped = [result for result in examined.results if result.skipped]
    return {
        "version": _VERSION,
        "daemon": examined.target,
        "variant": examined.variant,
        "backend_url": examined.backend_url,
        "total_tests": len(examined.ran),
        "passed": len(examined.ran) - len(examined.failed),
        "failed": len(examined.failed),
        "total_time": round(examined.seconds, 6),
        "success": examined.success,
        "results": [_result(result) for result in examined.ran],
        "skipped": [
            {
                "scenario": result.scenario.name,
                "category": result.scenario.category,
                "reason": result.skipped,
            }
            for result in skipped
        ],
        "restarts": examined.restarts,
        "error": examined.error or examined.skipped or None,
    }


def _result(result: Result) -> dict[str, Any]:
    figures = result.measured
    return {
        "scenario": result.scenario.name,
        "category": result.scenario.category,
        "passed": result.passed,
        "duration": round(result.seconds, 6),
        "assertions": [_outcome(outcome) for outcome in result.outcomes],
        "error": result.error or None,
        "measured": {
            "handoff": figures.handoff,
            "ttfb": figures.first,
            "total": figures.total,
            "bytes": figures.bytes,
        },
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "Passed": outcome.passed,
        "Name": outcome.name,
        "Message": outcome.message,
        "Details": outcome.details,
    }
