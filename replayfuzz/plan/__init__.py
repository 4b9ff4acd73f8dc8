"""What is done to a recorded stream: edits, endings, framing; and plans as JSON."""

from replayfuzz.plan.edits import (
    ENDINGS,
    FRAMINGS,
    LAYERS,
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
from replayfuzz.plan.saved import from_json, to_json

__all__ = [
    "ENDINGS",
    "FRAMINGS",
    "LAYERS",
    "Cut",
    "Edit",
    "End",
    "Framing",
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
