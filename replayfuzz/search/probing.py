"""When the probes of a target are run, and what they could not tell."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence

from replayfuzz.cassette import Exchange
from replayfuzz.search.case import Attempt
from replayfuzz.search.dress import dressed
from replayfuzz.search.fewest import SpentError
from replayfuzz.search.probes import PROBES, Bounded, Measured, Untold

SHARE = 0.25
"""Part of a target's time that may go to probes; the first one is always affordable."""
USUAL = 0.5  # seconds that a probe is expected to take
LEAST = 3.0  # seconds that must be left: what the slowest takes that has nothing to confirm
NO_TIME = "there was too little time"


class Probing:
    """The probes of one target that are still to be run, once a variant and dialect.

    Args:
        attempt: How the target is tried.
        exchanges: Those that it reads; the plain one of each dialect is taken.
        variants: Those that are probed here.

    Attributes:
        seconds: Time spent so far, confirming included.
    """

    def __init__(
        self, attempt: Attempt, exchanges: Sequence[Exchange], variants: Sequence[str]
    ) -> None:
        self.seconds = 0.0
        self._attempt = attempt
        self._untold: dict[tuple[str, str], list[str]] = {}
        streams = _streams(exchanges)
        # Each rule is tried on one variant, at least, before any is tried on the next one.
        self._jobs = deque(
            (probe, dressed(attempt.target, stream, variant), variant)
            for variant in variants
            for stream in streams
            for probe in PROBES
        )

    def due(self, spent: float, left: float | None, *, early: bool = False) -> bool:
        """Whether the next probe is to be run now.

        Args:
            spent: Seconds that went to this target so far.
            left: Seconds that are left for all; None: only examples are counted.
            early: Much was not tried yet: what may take seconds is put off.
        """
        if not self._jobs or left is None:
            return bool(self._jobs)
        if early and self._jobs[0][0].long:
            return False
        usual = USUAL if self.seconds else 0.0
        return left >= LEAST and self.seconds + usual <= SHARE * spent

    def run(self, left: float | None = None) -> tuple[str, Measured] | None:
        """Run the next probe; return the rule that is broken, and how.

        Args:
            left: Seconds after which it is given up; None: it takes as long as it takes.

        Raises:
            StartError: The target does not start any more.
        """
        probe, stream, variant = self._jobs.popleft()
        began = time.monotonic()
        bounded = self._attempt if left is None else Bounded(self._attempt, began + left)
        try:
            answer = probe.run(bounded, stream, variant)
        except SpentError:
            answer = Untold(NO_TIME)
        self.seconds += time.monotonic() - began
        if isinstance(answer, Measured):
            return probe.rule, answer
        if answer is not None:
            self._note(probe.rule, answer.why, variant)
        return None

    @property
    def untold(self) -> tuple[str, ...]:
        """What was not tried, and why, in sentences."""
        for probe, _, variant in self._jobs:
            self._note(probe.rule, NO_TIME, variant)
        self._jobs.clear()
        name = self._attempt.target.name
        return tuple(
            f"{name}: {rule} was not probed for {', '.join(variants)}: {why}"
            for (rule, why), variants in self._untold.items()
        )

    def _note(self, rule: str, why: str, variant: str) -> None:
        variants = self._untold.setdefault((rule, why), [])
        if variant not in variants:
            variants.append(variant)


def _streams(exchanges: Iterable[Exchange]) -> tuple[Exchange, ...]:
    """The plain stream of each dialect; else the first one that was a success."""
    best: dict[str, tuple[bool, bool, Exchange]] = {}
    for exchange in exchanges:
        whole = exchange.status == 200 and exchange.ending == "complete"
        rank = (whole, "plain" in exchange.name)
        known = best.get(exchange.dialect)
        if known is None or rank > known[:2]:
            best[exchange.dialect] = (*rank, exchange)
    return tuple(exchange for *_, exchange in best.values())
