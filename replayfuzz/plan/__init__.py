"""What is done to a recorded stream: edits, endings, framing, hand-offs; and plans as JSON."""

from replayfuzz.plan.edits import (
    ENDINGS,
    FRAMINGS,
    LAYERS,
    MAX_PAD,
    Cut,
    Edit,
    End,
    Framing,
    Head,
    How,
    Layer,
    Pause,
    Plan,
    Slice,
    Splice,
    merge,
)
from replayfuzz.plan.handoff import READS, HandOff
from replayfuzz.plan.saved import from_json, to_json

__all__ = [
    "ENDINGS",
    "FRAMINGS",
    "LAYERS",
    "MAX_PAD",
    "READS",
    "Cut",
    "Edit",
    "End",
    "Framing",
    "HandOff",
    "Head",
    "How",
    "Layer",
    "Pause",
    "Plan",
    "Slice",
    "Splice",
    "from_json",
    "merge",
    "to_json",
]
