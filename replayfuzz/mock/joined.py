"""A script with fewer boundaries: what nothing parts in time is sent in one piece."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from replayfuzz.wire import Frame, Script, Send, Step


def joined(script: Script) -> Script:
    """*script* with one segment between two waits; bytes, frames and times stay."""
    steps: list[Step] = []
    for kind, group in groupby(script.steps, type):
        run = list(group)
        if kind is Send:
            steps.append(Send(b"".join(step.data for step in run if isinstance(step, Send))))
        elif kind is Frame:
            frames = (step for step in run if isinstance(step, Frame))
            steps += [replace(step, cuts=() if at else (0,)) for at, step in enumerate(frames)]
        else:
            steps += run
    return Script(tuple(steps))
