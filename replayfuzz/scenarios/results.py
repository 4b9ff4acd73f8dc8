"""What came of scenarios. Values only."""

from __future__ import annotations

from dataclasses import dataclass

from replayfuzz.scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one assertion.

    Attributes:
        name: A key of ASSERTIONS.
        passed: It held.
        message: What it asks for, with its value.
        details: What was seen instead; empty when it held.
    """

    name: str
    passed: bool
    message: str
    details: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of one response, in seconds and bytes.

    Attributes:
        handoff: Seconds that the hand-off took.
        first: From the hand-off to the first byte of the response; *total*: to its end. None
            where it did not come to that.
        bytes: All that came, head included.
    """

    handoff: float | None = None
    first: float | None = None
    total: float | None = None
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one scenario on one variant of a daemon.

    Attributes:
        outcomes: Of its assertions, in order; () when it was skipped.
        seconds: Wall time of the scenario.
        error: What kept the client from getting a whole response; empty: nothing did.
        log: The last lines that the daemon wrote, where the scenario failed.
        skipped: Why it was not run; empty: it was.
    """

    scenario: Scenario
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    error: str = ""
    log: str = ""
    skipped: str = ""
    measured: Measured = Measured()

    @property
    def passed(self) -> bool:
        """It was run, and every assertion held."""
        return not self.skipped and all(outcome.passed for outcome in self.outcomes)

    @property
    def failed(self) -> bool:
        return not self.skipped and not self.passed


@dataclass(frozen=True, slots=True)
class Examined:
    """One variant of one daemon, with the scenarios that were run on it.

    Attributes:
        target, variant, version: What was examined.
        backend_url: Base URL of the upstream that it was given; empty when it never ran.
        results: In the order of the scenarios.
        seconds: Wall time, the daemon's start included.
        restarts: How often the daemon had to be started again.
        skipped: Why nothing could be run: something is missing on this machine.
        error: Why nothing can be said: it cannot be built or does not start.
    """

    target: str
    variant: str = ""
    version: str = ""
    backend_url: str = ""
    results: tuple[Result, ...] = ()
    seconds: float = 0.0
    restarts: int = 0
    skipped: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        """Target and variant: ``rust [h2c]``; the one variant that has no name is left out."""
        plain = self.variant in ("", "default")
        return self.target if plain else f"{self.target} [{self.variant}]"

    @property
    def ran(self) -> tuple[Result, ...]:
        """The results that were not skipped."""
        return tuple(result for result in self.results if not result.skipped)

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if result.failed)

    @property
    def success(self) -> bool:
        """Nothing failed; what was skipped does not count."""
        return not self.failed and not self.error
