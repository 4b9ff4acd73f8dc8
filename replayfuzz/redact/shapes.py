"""What secrets look like in bytes: a table of patterns.

The group ``s`` of a pattern is the secret, ``n`` the name that it goes by; what it has around
it stays, so that a reader sees what was there. No pattern spans a line end, but for PEM, so
lines can be looked at as they come.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from replayfuzz.redact.names import (
    HIDDEN_MEMBER,
    ID_MEMBER,
    ID_PARAMETER,
    PARAMETER,
    Kind,
)


class Shape(NamedTuple):
    """One pattern.

    Attributes:
        kind: What it finds.
        pattern: With the group ``s``.
        hints: One of these is in the bytes (in lower case), or there is no use in looking.
        raw: It is for the bytes as they are; others are for bytes whose escapes are blanked.
        number: What it finds is a JSON number.
        strong: It is safe to look for it in bytes that are no text.
    """

    kind: Kind
    pattern: re.Pattern[bytes]
    hints: tuple[bytes, ...]
    raw: bool = False
    strong: bool = False
    number: bool = False


def _key(kind: Kind, prefix: str, rest: str, *, strong: bool = True) -> Shape:
    """A key by its prefix, which stays."""
    hint = re.split(r"[\[(?]", prefix)[0].lower().replace("\\", "").encode()
    pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{prefix})(?P<s>{rest})".encode())
    return Shape(kind, pattern, (hint,), strong=strong)


# Where the providers' documentation does not tell the length, a few characters less than
# the shortest key seen. A star is what OpenAI's errors put in the middle of a key.
_KEYS = (
    _key("api key", r"sk-(?:ant-|proj-|svcacct-|admin-|or-|lf-)?", r"[\w*-]{16,}"),
    _key("api key", r"[sr]k_(?:live|test)_", r"\w{16,}")._replace(hints=(b"_live_", b"_test_")),
    _key("api key", r"AIza", r"[\w-]{30,}"),
    _key("api key", r"AQ\.", r"[\w-]{35,}"),
    _key("token", r"ya29\.", r"[\w.-]{20,}"),
    _key("api key", r"GOCSPX-", r"[\w-]{20,}"),
    _key("api key", r"gsk_", r"\w{20,}"),
    _key("api key", r"hf_", r"[A-Za-z0-9]{20,}"),
    _key("api key", r"api_org_", r"[A-Za-z0-9]{20,}"),
    _key("api key", r"xai-", r"[\w-]{20,}"),
    _key("api key", r"r8_", r"\w{20,}"),
    _key("api key", r"pplx-", r"[A-Za-z0-9]{20,}"),
    _key("api key", r"fw_", r"[A-Za-z0-9]{16,}"),
    _key("api key", r"csk-", r"[A-Za-z0-9]{20,}"),
    _key("api key", r"nvapi-", r"[\w-]{20,}"),
    _key("api key", r"tgp_v1_", r"[\w-]{20,}"),
    _key("api key", r"glpat-", r"[\w-]{16,}"),
    _key("api key", r"dapi", r"[0-9a-f]{32}"),
    _key("api key", r"ABSK", r"[A-Za-z0-9+/=]{20,}"),
    _key("api key", r"(?:AKIA|ASIA|AROA|AIDA)", r"[A-Z0-9]{16}")._replace(
        hints=(b"akia", b"asia", b"aroa", b"aida")
    ),
    _key("token", r"gh[pousr]_", r"[A-Za-z0-9]{20,}"),
    _key("token", r"github_pat_", r"\w{22,}"),
    _key("token", r"xox[abeoprs]-", r"[\w-]{10,}"),
    _key("token", r"npm_", r"[A-Za-z0-9]{30,}"),
    _key("token", r"eyJ", r"[\w-]{6,2048}\.[\w-]{6,}(?:\.[\w-]*)*"),
    _key("identifier", r"org-", r"(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}", strong=False),
    _key("identifier", r"proj_", r"(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}", strong=False),
    _key("identifier", r"user-", r"(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{20,}", strong=False),
    _key("identifier", r"req_", r"(?=[a-z_]*[A-Z0-9])\w{10,}", strong=False),
)

# What follows a name, inside a JSON string, inside a JSON string inside one, or in Python's
# repr. The end is not asked for: a stream may be cut off inside a value.
_NESTED = r"(?:[^\"\\\r\n]|\\\\(?:\\[\"\\/]|[^\"\\\r\n])|\\u[0-9a-fA-F]{4}|\\/)"
_DEEPER = r"[^\"\\\r\n]"
_REPR = r"(?:[^'\\\r\n]|\\.)"
_GAP = r"[ \t]*"


def _valued(quote: str, name: str, unit: str) -> str:
    """``"name": "value"``, ``"name", "value"`` and ``"name": "…", "value": "…"`` of HAR files."""
    value = rf"(?:{quote}value{quote}{_GAP}:{_GAP})?"
    scheme = r"(?:(?:bearer|basic|token)[ ]+)?"
    return (
        rf"{quote}(?P<n>{name}){quote}{_GAP}[:,]{_GAP}{value}\[?{quote}{scheme}(?P<s>{unit}{{4,}})"
    )


def _members(kind: Kind, name: str, hints: tuple[bytes, ...]) -> tuple[Shape, ...]:
    rows = (
        _valued('"', name, r'(?:[^"\\\r\n]|\\.)'),
        _valued(r"\\\"", name, _NESTED),
        _valued(r"\\{2,7}\"", name, _DEEPER),
        _valued("'", name, _REPR),
    )
    return tuple(Shape(kind, re.compile(f"(?i){row}".encode()), hints, raw=True) for row in rows)


_SECRET_HINTS = (b"key", b"token", b"secret", b"pass", b"authorization", b"cookie")
_ID_HINTS = (b"id", b"openai-", b"ray")

_MEMBERS = (
    *_members("token", HIDDEN_MEMBER, _SECRET_HINTS),
    *_members("identifier", ID_MEMBER, _ID_HINTS),
    Shape(
        "identifier",
        re.compile(rf'(?i)"(?P<n>{ID_MEMBER})\\{{0,7}}"{_GAP}:{_GAP}(?P<s>\d{{5,}})'.encode()),
        _ID_HINTS,
        raw=True,
        number=True,
    ),
)

_START = r"(?:(?m:^)|[?&]|\\u0026|&amp;)"
_VALUE = r"[^&#\s\"'\\<>`{}()\[\],;]"
_TOKEN = r"[\w.~+/*=-]"  # noqa: S105 - characters that tokens are made of
_HEAD_NAME = (
    r"(?:proxy-)?authorization|(?:[\w-]+-)?api-key|ocp-apim-subscription-key|[\w-]+-token"
    r"|openai-(?:organization|project)|anthropic-organization-id|(?:x-)?request-id|cf-ray"
)

_OTHERS = (
    Shape(
        "api key",
        re.compile(rf"(?i){_START}(?P<n>{PARAMETER})(?:=|%3D)(?P<s>{_VALUE}{{4,}})".encode()),
        (b"=", b"%3d"),
        raw=True,
    ),
    Shape(
        "identifier",
        re.compile(rf"(?i){_START}(?P<n>{ID_PARAMETER})(?:=|%3D)(?P<s>{_VALUE}{{4,}})".encode()),
        (b"=", b"%3d"),
        raw=True,
    ),
    Shape(
        "password",
        re.compile(rb"(?i)(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{0,20}://(?P<s>[^\s/@\"'\\?#]+)@"),
        (b"://",),
        raw=True,
    ),
    Shape(
        "identifier",
        re.compile(rb"/(?:projects|organizations)/(?P<s>(?!_/)[\w.:-]{4,})/"),
        (b"/projects/", b"/organizations/"),
        raw=True,
    ),
    Shape(
        "token",
        re.compile(
            rf"(?i)\bbearer[ +]+(?P<s>(?={_TOKEN}*\d){_TOKEN}{{8,}}|{_TOKEN}{{20,}})".encode()
        ),
        (b"bearer",),
        strong=True,
    ),
    Shape(
        "token",
        re.compile(
            rf"(?i)(?<![\w-])(?:{_HEAD_NAME}){_GAP}[:=]{_GAP}(?:[a-z]+[ ]+)?"
            rf"(?P<s>(?={_TOKEN}*\d){_TOKEN}{{8,}}|{_TOKEN}{{20,}})".encode()
        ),
        (b"authorization", b"-key", b"-token", b"openai-", b"-id", b"cf-ray"),
    ),
    Shape(
        "cookie",
        re.compile(rb"(?i)(?<![\w-])(?:set-)?cookie:[ \t]*(?P<s>[^\s=;\"']+=[^\r\n\"'\\]+)"),
        (b"cookie:",),
        raw=True,
    ),
    Shape(
        "api key",
        re.compile(
            rf"(?i)(?:api_?key|access_?token|secret|password|secret_access_key|auth_token)"
            rf"{_GAP}={_GAP}[\"']?(?P<s>(?=[\w~+/*-]*\d)[\w~+/*-]{{10,}}=*)".encode()
        ),
        (b"=",),
    ),
    Shape(
        "identifier",
        re.compile(rb"(?i)\brequest[ _-]?id(?:[:=]|[ ]is)?[ ]*[\"']?(?P<s>(?=[\w-]*\d)[\w-]{8,})"),
        (b"request",),
    ),
    Shape(
        "e-mail",
        re.compile(
            rb"(?<![\w.+-])(?P<s>[A-Za-z0-9](?:[\w.+-]|(?<=\w)'(?=\w)){0,63}(?:@|%40)"
            rb"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24})"
            rb"(?![A-Za-z0-9-])"
        ),
        (b"@", b"%40"),
    ),
    Shape(
        "private key",
        re.compile(
            rb"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
            rb"(?P<s>(?:[\w+/=\s\\:,]|-(?!-)){0,16384}+)(?:-----END|\Z)"
        ),
        (b"private key-----",),
        raw=True,
        strong=True,
    ),
)

SHAPES: tuple[Shape, ...] = (*_KEYS, *_MEMBERS, *_OTHERS)
"""Every pattern; their order plays no part."""
