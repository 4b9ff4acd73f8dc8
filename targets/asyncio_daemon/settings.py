"""What the environment asks for, as values."""

from __future__ import annotations

import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class SettingsError(ValueError):
    """A variable cannot be used; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the provider is called, and how long anybody is waited for.

    Attributes:
        host, port: Where the provider listens.
        tls: None: plain TCP.
        authority: ``host:port`` as the request names it.
        path: Of the endpoint for chat completions.
        key: API key; "": none is sent.
        http2: HTTP/2: by ALPN over TLS, else with prior knowledge.
        upstream_seconds: Silence after which the provider is given up.
        write_seconds: Time without progress after which a client is given up.
        payload_seconds: Time that a peer on the Unix socket has for its message.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None
    authority: str
    path: str
    key: str
    http2: bool
    upstream_seconds: float
    write_seconds: float
    payload_seconds: float

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


def read(environment: Mapping[str, str]) -> Settings:
    """Read the variables that providers' own clients know, and a few of ours.

    Raises:
        SettingsError: One of them cannot be used.
    """
    base = environment.get("OPENAI_API_BASE") or "https://api.openai.com/v1"
    try:
        url = urlsplit(base)
        port = url.port or {"http": 80, "https": 443}[url.scheme]
    except (ValueError, KeyError):
        raise SettingsError(f"OPENAI_API_BASE is {base!r}, no http or https URL") from None
    key = environment.get("OPENAI_API_KEY", "")
    if not (url.hostname and url.netloc.isascii() and url.path.isprintable() and key.isprintable()):
        raise SettingsError("OPENAI_API_BASE has no host, or it or OPENAI_API_KEY is not printable")
    http2 = _flag(environment, "OPENAI_HTTP2_ENABLED")
    return Settings(
        url.hostname,
        port,
        _tls(environment, http2=http2) if url.scheme == "https" else None,
        url.netloc.rpartition("@")[2],
        url.path.rstrip("/") + "/chat/completions",
        key,
        http2,
        _seconds(environment, "OPENAI_IDLE_TIMEOUT", 60),
        _seconds(environment, "DAEMON_WRITE_TIMEOUT", 30),
        _seconds(environment, "DAEMON_IDLE_SECONDS", 10),
    )


def _tls(environment: Mapping[str, str], *, http2: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h2" if http2 else "http/1.1"])
    if _flag(environment, "OPENAI_INSECURE_SSL"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _flag(environment: Mapping[str, str], name: str) -> bool:
    return environment.get(name, "").lower() in {"1", "true", "yes", "on"}


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise SettingsError(f"{name} is {text!r}, not a number of seconds above 0")
    return value
