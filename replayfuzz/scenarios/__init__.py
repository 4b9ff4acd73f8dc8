"""Fixed scenarios for daemons: what is handed off, what the upstream says, what must come back.

Values, the reader of their TOML tables, and the assertions. Nothing here opens a file or a
socket; ``examine`` does. The shipped ones are the files in ``data/``.
"""

from replayfuzz.scenarios.assertions import ASSERTIONS, judge
from replayfuzz.scenarios.read import parse
from replayfuzz.scenarios.results import Examined, Measured, Outcome, Result
from replayfuzz.scenarios.scenario import Canned, Check, Requires, Scenario, Stop, canned_exchange
from replayfuzz.scenarios.seen import Seen, seen

__all__ = [
    "ASSERTIONS",
    "Canned",
    "Check",
    "Examined",
    "Measured",
    "Outcome",
    "Requires",
    "Result",
    "Scenario",
    "Seen",
    "Stop",
    "canned_exchange",
    "judge",
    "parse",
    "seen",
]
