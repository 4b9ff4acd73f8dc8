"""Verdicts and findings as text. Every function here returns a string and opens nothing.

The HTML page is in ``report.html``: its template engine is imported only when asked for.
"""

from collections.abc import Callable

from replayfuzz.report.human import block, human, summary, title
from replayfuzz.report.json_report import json_report
from replayfuzz.report.junit import junit
from replayfuzz.report.repro import repro
from replayfuzz.report.tap import tap
from replayfuzz.report.wire_txt import wire_txt
from replayfuzz.run import Run

FORMATS: dict[str, Callable[[Run], str]] = {
    "human": human,
    "json": json_report,
    "tap": tap,
    "junit": junit,
}
"""What ``--format`` names."""

__all__ = ["FORMATS", "block", "human", "repro", "summary", "title", "wire_txt"]
