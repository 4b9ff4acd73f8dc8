"""Examined daemons as text, in each form of ``--format``. Strings only; nothing is opened."""

from collections.abc import Callable, Sequence

from replayfuzz.report.scenarios.human import closing, human, opening, told, totals
from replayfuzz.report.scenarios.json_form import json_form
from replayfuzz.report.scenarios.junit import junit
from replayfuzz.report.scenarios.tap import tap
from replayfuzz.scenarios import Examined

FORMATS: dict[str, Callable[[Sequence[Examined]], str]] = {
    "human": human,
    "json": json_form,
    "tap": tap,
    "junit": junit,
}
"""What ``--format`` names."""

__all__ = ["FORMATS", "closing", "human", "opening", "told", "totals"]
