"""What ``lint`` found, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from replayfuzz.lint import Fault
from replayfuzz.report.marks import plain


@dataclass(frozen=True, slots=True)
class Linted:
    """One file that was looked at.

    Attributes:
        file: Its path.
        exchanges: How many it holds.
        found: Number of the exchange, and what is wrong with it.
        unreadable: Why it cannot be read; "" where it can.
    """

    file: str
    exchanges: int = 0
    found: tuple[tuple[int, Fault], ...] = ()
    unreadable: str = ""

    @property
    def faults(self) -> int:
        """How many are more than notes."""
        return sum(fault.level == "fault" for _, fault in self.found)


def lint_text(files: Sequence[Linted]) -> str:
    """One line for each thing (file, exchange, what, where), what to do below it, the count."""
    lines = []
    for item in files:
        if item.unreadable:
            lines.append(f"{plain(item.unreadable)}: not looked into")
        for number, fault in item.found:
            name = plain(item.file) + (f"#{number}" if item.exchanges > 1 else "")
            lines.append(
                f"{name}: {fault.level} {fault.rule}: {plain(fault.what)}, {_where(fault)}"
            )
            lines.append(f"    next: {fault.next}")
    notes = sum(len(item.found) - item.faults for item in files)
    unreadable = sum(bool(item.unreadable) for item in files)
    counts = [
        _many(sum(item.faults for item in files), "fault"),
        _many(notes, "note"),
        *([f"{_many(unreadable, 'file')} unreadable"] if unreadable else []),
    ]
    exchanges = _many(sum(item.exchanges for item in files), "exchange")
    return "\n".join(
        [*lines, f"{exchanges} in {_many(len(files), 'file')}: {', '.join(counts)}", ""]
    )


def lint_json(files: Sequence[Linted]) -> str:
    """As JSON: ``version``, counts, and ``found`` with one object for each thing."""
    found = [
        {
            "file": item.file,
            "exchange": number,
            "level": fault.level,
            "rule": fault.rule,
            "what": fault.what,
            "place": fault.place,
            "at": fault.at,
            "size": fault.size,
            "next": fault.next,
        }
        for item in files
        for number, fault in item.found
    ]
    told = {
        "version": 1,
        "files": len(files),
        "exchanges": sum(item.exchanges for item in files),
        "faults": sum(item.faults for item in files),
        "notes": sum(len(item.found) - item.faults for item in files),
        "found": found,
        "unreadable": [
            {"file": item.file, "why": item.unreadable} for item in files if item.unreadable
        ],
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _where(fault: Fault) -> str:
    if fault.at is None:
        return fault.place
    size = f", {_many(fault.size, 'byte')}" if fault.size else ""
    return f"{fault.place} at byte {fault.at}{size}"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
