"""Names whose values are secrets: of header fields, of members, of parameters."""

from __future__ import annotations

import re
from typing import Literal

Kind = Literal["api key", "token", "password", "cookie", "identifier", "e-mail", "private key"]
"""What a secret is. ``identifier``: of an organisation, a project, an account or a request."""

_KEYS = r"(?:[\w.-]*[-_.])?(?:api[-_]?key|access[-_]?key|subscription[-_]?key|functions[-_]key)"
_TOKENS = r"(?:[\w.-]*[-_.])?(?:token|secret|signature|credentials?|assertion)"
_TRACED = (
    "request|trace|correlation|session|organi[sz]ation|org|project|account|user|tenant|customer"
    "|workspace|client|subscription"
)

_FIELDS: tuple[tuple[Kind, str], ...] = (
    ("cookie", r"cookie2?|set-cookie2?"),
    ("token", r"(?:[\w-]+-)?(?:authorization|authentication)|x-auth(?:-[\w-]+)?"),
    ("api key", _KEYS),
    ("api key", r"x-goog-iam-authorization-token|(?:[\w-]+-)?(?:secret|private|access)-key"),
    ("token", _TOKENS),
    ("password", r"(?:[\w-]+-)?(?:password|passwd|passphrase)"),
    ("identifier", rf"(?:[\w-]+-)?(?:{_TRACED})[-_]?id"),
    ("identifier", r"openai-(?:organization|project|user)|x-goog-user-project|cf-ray|x-amz-id-2"),
    ("identifier", r"x-amz-cf-id|x-vercel-id|x-cloud-trace-context|traceparent|tracestate|baggage"),
    ("identifier", r"x-amzn-trace-id|x-(?:forwarded-for|real-ip)|(?:cf|true)-[\w-]*client-?ip"),
    ("identifier", r"cf-connecting-ip|x-b3-[\w-]*id|x-request-?id|x-amzn-request-?id"),
)
_FIELD_ROWS = tuple((kind, re.compile(pattern)) for kind, pattern in _FIELDS)


def field_kind(name: str) -> Kind | None:
    """What the value of a header field of that name is, in any case; None: no secret."""
    lower = name.lower()
    return next((kind for kind, row in _FIELD_ROWS if row.fullmatch(lower)), None)


def same(name: str) -> str:
    """*name* as it is compared: case and ``_`` for ``-`` do not count."""
    return name.lower().replace("_", "-")


# Members of JSON objects. A bare "token" is not one: log probabilities have it for text.
HIDDEN_MEMBER = (
    r"[\w-]{0,40}?(?:api[-_]?key|subscription[-_]key|access[-_]?token|refresh[-_]?token|id[-_]token"
    r"|auth[-_]?token|session[-_]?token|security[-_]?token|bearer[-_]?token|api[-_]?token"
    r"|secret|secret[-_]?key|secret[-_]?access[-_]?key|access[-_]?key[-_]?id"
    r"|private[-_]?key(?:[-_]id)?|password|passwd|passphrase|authorization|cookie)"
)
ID_MEMBER = (
    r"(?:x[-_])?(?:(?:client[-_])?request|trace|correlation|organi[sz]ation|org|project|account"
    r"|tenant|workspace)[-_]?(?:id|ID)|openai-(?:organization|project)|cf[-_]ray"
    r"|anthropic-organization-id|x-amzn-requestid"
)
# Parameters of URLs and forms; here "key" and "token" alone are meant.
PARAMETER = (
    r"(?:[\w.-]*[-_.])?(?:key|token|secret|signature|password|credential)|sig|auth|passwd|pwd"
    r"|[\w.-]*(?:apikey|accesskey)|(?:[\w.-]*[-_.])?access_?key_?id"
)
ID_PARAMETER = r"(?:organi[sz]ation|org|project|account|tenant|request)[-_]?id"
