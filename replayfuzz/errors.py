"""Every error that replayfuzz raises on purpose.

A broken *target* is never an error here: it is a Transcript or a Verdict, which are
values. An exception means that we, or the user's files or machine, are at fault.
Each message says what is wrong, where, and what to do next; the numbers stay on the
object as attributes.
"""

from __future__ import annotations


class ReplayfuzzError(Exception):
    """Root of the tree; the command line turns it into exit status 2."""


class UsageError(ReplayfuzzError):
    """The words of a command name something that is not there, or do not fit together."""


class CassetteError(ReplayfuzzError):
    """A cassette cannot be read, or does not hold together.

    Attributes:
        file: Where the cassette came from, as the user named it.
        line: Line of the file, from 1; None when the fault has no single line.
    """

    def __init__(self, what: str, *, file: str, line: int | None = None) -> None:
        place = file if line is None else f"{file}:{line}"
        super().__init__(f"{place}: {what}")
        self.file = file
        self.line = line


class PlanError(ReplayfuzzError):
    """A plan does not fit the body it is applied to, or its JSON is not a plan.

    Attributes:
        at: Offset that the plan names, in bytes of the recorded body; None for bad JSON.
        size: Length of that body in bytes; None for bad JSON.
    """

    def __init__(self, what: str, *, at: int | None = None, size: int | None = None) -> None:
        super().__init__(what)
        self.at = at
        self.size = size

    @classmethod
    def outside(cls, *, at: int, size: int) -> PlanError:
        """The error for an edit that names a byte which the recorded body does not have."""
        return cls(
            f"plan edits byte {at}, but the recorded body has {size} bytes; "
            "was the cassette re-recorded after this plan was saved?",
            at=at,
            size=size,
        )


class TargetError(ReplayfuzzError):
    """A target is unknown, or its declaration is not valid."""


class ScenarioError(ReplayfuzzError):
    """A file of scenarios cannot be read, or one of them is not valid."""


class MissingError(ReplayfuzzError):
    """Something that a target needs is not on this machine; it is a skip, with a hint.

    Attributes:
        hint: The command that would install it.
    """

    def __init__(self, what: str, *, hint: str) -> None:
        super().__init__(f"{what}; {hint}")
        self.hint = hint


class InstallError(ReplayfuzzError):
    """An isolated environment for ``--with`` could not be built."""


class StartError(ReplayfuzzError):
    """A target's process did not become ready, so nothing can be said about the target."""


class StoreError(ReplayfuzzError):
    """A file or folder of ours cannot be read or written (read-only, full, in use)."""


class ListenError(ReplayfuzzError):
    """The replay server cannot listen where it was told to."""


class HandOffError(ReplayfuzzError):
    """A client's socket could not be handed to a daemon.

    Attributes:
        path: Of the Unix socket that the daemon should listen on.
        number: ``errno`` of the call that failed; None where no call was made.
    """

    def __init__(self, what: str, *, path: str, number: int | None = None) -> None:
        super().__init__(f"cannot hand a client over at {path}: {what}")
        self.path = path
        self.number = number
