"""Where requests go on to, and a connection there. Proxies of the environment play no part."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import trio

from replayfuzz.errors import UsageError

_PORTS = {"http": 80, "h2c": 80, "https": 443}
_H2, _HTTP1 = "h2", "http/1.1"


class UpstreamError(Exception):
    """The upstream gave no answer that can be passed on; the message tells why.

    Attributes:
        status: What the client is told: 502, or 504 for one that was too slow.
    """

    def __init__(self, what: str, status: int = 502) -> None:
        super().__init__(what)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider's base URL, taken apart.

    Attributes:
        scheme: ``http``, ``https``, or ``h2c`` for HTTP/2 without TLS, known beforehand.
        authority: Host, and the port where it is not the usual one, as a Host field has it.
        base: Path that goes before each request's, without a slash at its end.
        tls: Whom to believe; None: no TLS.
        timeout: Seconds to connect in, and of silence, after which it counts as hanging.
    """

    scheme: str
    host: str
    port: int
    authority: str
    base: str
    tls: ssl.SSLContext | None
    timeout: float

    @classmethod
    def parse(
        cls,
        url: str,
        *,
        authority: Path | None = None,
        verify: bool = True,
        http1: bool = False,
        timeout: float = 300.0,
    ) -> Upstream:
        """Read ``--upstream``.

        Args:
            url: ``https://host[:port][/base]``, or http:// or h2c://.
            authority: PEM file of those to believe, in place of the system's.
            verify: False: believe anybody.
            http1: Do not offer HTTP/2.
            timeout: See there.

        Raises:
            UsageError: It is no such URL, or holds a secret, or the file cannot be used.
        """
        parts, port = _split(url)
        scheme, host = parts.scheme, parts.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        named = shown if port in (None, _PORTS[scheme]) else f"{shown}:{port}"
        tls = None
        if scheme == "https":
            tls = _context(authority, verify=verify)
            tls.set_alpn_protocols([_HTTP1] if http1 else [_H2, _HTTP1])
        elif authority or not verify:
            raise UsageError(f"--ca and --insecure are for https://, and {scheme}:// has no TLS")
        base = parts.path.rstrip("/")
        return cls(scheme, host, port or _PORTS[scheme], named, base, tls, timeout)

    @property
    def url(self) -> str:
        """Scheme (that of HTTP) and authority."""
        return f"{'https' if self.tls else 'http'}://{self.authority}"

    async def connect(self) -> tuple[trio.abc.Stream, bool]:
        """A fresh connection, and whether HTTP/2 is spoken on it.

        Raises:
            UpstreamError: There is none to be had.
        """
        try:
            with trio.fail_after(self.timeout):
                stream = await trio.open_tcp_stream(self.host, self.port)
                if self.tls is None:
                    return stream, self.scheme == "h2c"
                return await self._secured(stream, self.tls)
        except trio.TooSlowError as error:
            raise UpstreamError(
                f"{self.url} took longer than {self.timeout:g} s to connect (--timeout)", 504
            ) from error
        except OSError as error:
            raise UpstreamError(f"cannot connect to {self.url}: {_reason(error)}") from error

    async def _secured(
        self, stream: trio.SocketStream, context: ssl.SSLContext
    ) -> tuple[trio.abc.Stream, bool]:
        tls = trio.SSLStream(stream, context, server_hostname=self.host, https_compatible=True)
        try:
            await tls.do_handshake()
        except trio.BrokenResourceError as error:
            await trio.aclose_forcefully(stream)
            raise UpstreamError(_distrust(self.url, error.__cause__ or error)) from error
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return tls, tls.selected_alpn_protocol() == _H2


def _split(url: str) -> tuple[SplitResult, int | None]:
    like = "give one like https://api.example/base, http://127.0.0.1:8080 or h2c://127.0.0.1:8080"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(f"--upstream is no URL: {error}; {like}") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UsageError(f"--upstream has no scheme that is known, or no host; {like}")
    if not (url.isascii() and url.isprintable()) or " " in url:
        raise UsageError(f"--upstream holds what no URL can; {like}")
    if parts.username is not None or parts.query or parts.fragment:
        raise UsageError(f"--upstream holds more than scheme, host, port and path; {like}")
    return parts, port


def _context(authority: Path | None, *, verify: bool) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--ca {authority}: cannot be used: {error}; give a PEM file of certificates"
        ) from error
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    """Why, without our own words for it: trio has one error around those of each address."""
    cause: BaseException = error.__cause__ or error
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return getattr(cause, "strerror", None) or str(cause)


def _distrust(url: str, error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{url} is not to be trusted: {error.verify_message}; name its authority with --ca, "
            "or use --insecure where nothing is at stake"
        )
    reason = getattr(error, "reason", None) or str(error) or type(error).__name__
    return f"{url} does not speak TLS as we do: {reason}"
