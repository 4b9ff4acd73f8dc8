"""What a process and all that it started hold: descriptors and memory. Linux only."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Held:
    """What the processes of a group hold at the moment.

    Attributes:
        group: Number of the group: another one means that the worker was started again.
        descriptors: Open file descriptors.
        resident: Bytes of memory that are resident.
    """

    group: int
    descriptors: int
    resident: int


def held(group: int) -> Held | None:
    """Count what process *group* holds; None: this system, or a sandbox, does not tell."""
    descriptors = resident = 0
    members = 0
    for folder in _PROC.glob("[0-9]*"):
        # A process may end at any moment, and the files of another user's are closed to us.
        with contextlib.suppress(OSError, IndexError, ValueError):
            if os.getpgid(int(folder.name)) != group:
                continue
            descriptors += sum(1 for _ in (folder / "fd").iterdir())
            resident += int((folder / "statm").read_text().split()[1])
            members += 1
    if not members:
        return None
    return Held(group, descriptors, resident * os.sysconf("SC_PAGE_SIZE"))
