"""What a user may decide about a run. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """How ``fuzz`` searches.

    Attributes:
        seconds: Wall time for all targets together, starting them included; None: it is
            *examples* that ends the run.
        examples: Cases for each target; None: it is *seconds*. With both, what comes first.
        seed: Decides everything that is chosen; with *examples*, the whole result.
        jobs: Processes; each target is searched by one of them, or by all where there
            are fewer targets than jobs.
        variants: Only these paths through a library; () all.
        findings: Folder that findings are written to; None: they are not written.
        requirements: Target name to what ``--with`` asks for, such as ``openai==1.16.1``.
        build: Of a library that is not here, build the newest release; else it is skipped.
        unasked: The targets are all that there are, not those that somebody named: only what
            the user installed is searched, and what is not there is no matter.
    """

    seconds: float | None = 60.0
    examples: int | None = None
    seed: int = 0
    jobs: int = 1
    variants: tuple[str, ...] = ()
    findings: Path | None = Path("findings")
    requirements: Mapping[str, str] = field(default_factory=dict)
    build: bool = False
    unasked: bool = False
