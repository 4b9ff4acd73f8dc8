"""What a campaign found, as values and as JSON. No file is opened here.

A finding is the smallest exchange and plan known to break one rule of one target in one
way. ``store`` saves it as a folder; ``report`` shows it. What is on disk: DESIGN 9.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple, get_args

from replayfuzz.cassette import Exchange
from replayfuzz.errors import UsageError
from replayfuzz.plan import Plan
from replayfuzz.transcript import Delivery
from replayfuzz.verdict import Class
from replayfuzz.wire import Bent, bend

VERSION = 1
"""Version of finding.json and of the JSON of ``fuzz``."""


class Bucket(NamedTuple):
    """What two examples of one bug have in common.

    Attributes:
        target: Name of the target.
        invariant: ``<invariant>`` or ``<invariant>/<case>``.
        shape: Kind of breakage, without data.
        kinds: Kinds of edits that bring it out, sorted.
        frame: Innermost frame of the exception inside the library, or "".
    """

    target: str
    invariant: str
    shape: str
    kinds: tuple[str, ...] = ()
    frame: str = ""

    @property
    def id(self) -> str:
        """A readable, stable name: rule, most telling kind of edit, six digits of a hash."""
        digest = hashlib.sha256(json.dumps(self).encode()).hexdigest()[:6]
        kinds = [kind.rpartition(".")[2] for kind in self.kinds]
        words = "-".join([self.invariant, *kinds[:2], digest])
        return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


@dataclass(frozen=True)
class Finding:
    """One broken rule, made as small as it goes.

    Attributes:
        target, version, python: Target, version of its package, version of Python it ran on.
        variants: Paths through the library that show it; the first was used to shrink.
        invariant: ``<invariant>`` or ``<invariant>/<case>``.
        outcome, requirement, source: Of that rule.
        clauses: What standards or providers say about streams bent like this one.
        expected, observed, shape, frame: What the rule saw (``verdict.Evidence``).
        exchange, plan: Minimal stream and bend.
        seed: Of the run; *calls*: calls of the target spent on shrinking it.
        delivery: How the last confirming call was delivered.
        shown_over: ``memory`` where only memory delivery shows it, else ``tcp`` or ``unix``.
        flaky: It did not break on each of the confirming calls, so it was not shrunk.
        accepted: The reason for which the target's declaration accepts it, or "".
        declaration: File that declares the target; "" where its name is enough.
        start: Command that starts a daemon, with ``{upstream}`` (a base URL) and ``{socket}``
            left open; "" for a library.
        causes: Deviations of a reader (``formats.sse_deviations``) that explain it.
        note: Anything else that a reader should know.
    """

    target: str
    invariant: str
    outcome: Class
    expected: str
    observed: str
    shape: str
    exchange: Exchange
    plan: Plan
    version: str = ""
    python: str = ""
    variants: tuple[str, ...] = ()
    requirement: str = ""
    source: str = ""
    clauses: tuple[str, ...] = ()
    frame: str = ""
    seed: int = 0
    calls: int = 0
    delivery: Delivery | None = None
    shown_over: str = ""
    flaky: bool = False
    accepted: str = ""
    declaration: str = ""
    start: str = ""
    causes: tuple[str, ...] = ()
    note: str = ""

    @cached_property
    def bucket(self) -> Bucket:
        """What the examples of this bug share."""
        return Bucket(self.target, self.invariant, self.shape, self.kinds, self.frame)

    @property
    def id(self) -> str:
        """Name of the finding, and of its folder; the same bug gets it again."""
        return self.bucket.id

    @property
    def dialect(self) -> str:
        """Dialect of the stream."""
        return self.exchange.dialect

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of edits of the minimal plan, sorted."""
        return self.plan.kinds

    @property
    def words(self) -> tuple[str, ...]:
        """The bend in words, each once; empty when the recorded stream breaks the rule."""
        return self.plan.words

    @cached_property
    def bent(self) -> Bent:
        """Body, boundaries and end as sent."""
        return bend(self.exchange, self.plan)

    @property
    def body_bytes(self) -> int:
        """Size of the body as sent, content-decoded, in bytes."""
        return len(self.bent.body)

    @property
    def events(self) -> int:
        """How many events (blocks or lines) the body as sent holds."""
        return len(blocks(self.bent.body))

    @property
    def fails(self) -> bool:
        """It makes ``fuzz`` exit with 1: *failed*, and nobody accepted it."""
        return self.outcome == "failed" and not self.accepted


def blocks(body: bytes) -> tuple[bytes, ...]:
    """Part a body after each event, for people: they join to *body*.

    An NDJSON body (it starts with ``{``) is parted after each line, another one after
    each blank line (WHATWG HTML 9.2.5: lines end in CRLF, LF or CR).
    """
    end = rb"\r\n|\r|\n"
    if not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        end = rb"(?>\r\n|\r|\n){2,}"  # atomic: the two bytes of a CRLF are not two line ends
    edges = [found.end() for found in re.finditer(end, body)]
    starts = [0, *edges]
    parts = [body[start:stop] for start, stop in zip(starts, [*edges, len(body)], strict=True)]
    return tuple(part for part in parts if part)


# -- finding <-> JSON ------------------------------------------------------------------

_APART = {"exchange", "plan", "delivery"}  # have a form or a file of their own


def to_json(finding: Finding) -> dict[str, Any]:
    """Return finding.json as JSON values; stream and plan are files beside it."""
    shown: dict[str, Any] = {"version": VERSION, "id": finding.id}
    for item in fields(finding):
        if item.name not in _APART:
            name = "package_version" if item.name == "version" else item.name
            shown[name] = getattr(finding, item.name)
    shown["class"] = shown.pop("outcome")
    shown |= {
        "variants": list(finding.variants),
        "clauses": list(finding.clauses),
        "causes": list(finding.causes),
        "dialect": finding.dialect,
        "kinds": list(finding.kinds),
        "edits": list(finding.words),
        "events": finding.events,
        "body_bytes": finding.body_bytes,
        "delivery": _delivery_to_json(finding.delivery),
    }
    return shown


def _delivery_to_json(delivery: Delivery | None) -> dict[str, Any] | None:
    if delivery is None:
        return None
    names = ("over", "segments", "verified", "finished", "stuck")
    return {name: getattr(delivery, name) for name in names}


def from_json(value: object, exchange: Exchange, plan: Plan) -> Finding:
    """Read what ``to_json`` wrote, with the stream and the plan saved beside it.

    Raises:
        UsageError: The value is not a finding of version 1; the message names the part.
    """
    if not isinstance(value, Mapping):
        raise UsageError(f"finding.json holds {type(value).__name__}, not an object")
    if value.get("version") != VERSION:
        raise UsageError(
            f"finding.json has version {value.get('version')!r}, not {VERSION}; "
            "was it saved by a newer replayfuzz?"
        )
    given = dict(value) | {"outcome": value.get("class"), "version": value.get("package_version")}
    values = {name: given[name] for name in _plain_names() if given.get(name) is not None}
    _check(values)
    values |= {name: tuple(values.get(name, ())) for name in _LISTS}
    delivery = _delivery(value.get("delivery"))
    return Finding(**values, exchange=exchange, plan=plan, delivery=delivery)


def _plain_names() -> Iterable[str]:
    return (item.name for item in fields(Finding) if item.name not in _APART)


_LISTS = ("variants", "clauses", "causes")
_TYPES: dict[str, type] = {
    **dict.fromkeys(_LISTS, list),
    "seed": int,
    "calls": int,
    "flaky": bool,
}


def _check(values: Mapping[str, Any]) -> None:
    for name in ("target", "invariant", "outcome", "expected", "observed", "shape"):
        if name not in values:
            shown = "class" if name == "outcome" else name
            raise UsageError(f"finding.json lacks {shown!r}; was it edited by hand?")
    for name, value in values.items():
        wanted = _TYPES.get(name, str)
        if not isinstance(value, wanted):
            raise UsageError(f"finding.json: {name!r} is {value!r}, not a {wanted.__name__}")
    if values["outcome"] not in get_args(Class):
        raise UsageError(f"finding.json: class {values['outcome']!r} is not an outcome class")


def _delivery(value: object) -> Delivery | None:
    if not isinstance(value, Mapping):
        return None
    known = {item.name for item in fields(Delivery)}
    try:
        return Delivery(**{name: part for name, part in value.items() if name in known})
    except TypeError as error:
        raise UsageError(f"finding.json: 'delivery': {error}") from error
