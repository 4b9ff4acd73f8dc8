"""Who we are to clients that speak TLS."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from replayfuzz.errors import ListenError

_NAMES = ("localhost", "127.0.0.1", "::1")
_ALPN = ["h2", "http/1.1"]


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its key, ready to serve.

    Attributes:
        context: For the server's side; TLS 1.2 and 1.3, offers h2 and http/1.1.
        authority: What a client has to trust, as PEM text: our own authority, or the
            certificate's file.
    """

    context: ssl.SSLContext
    authority: str

    @classmethod
    def made(cls) -> Certificate:
        """Make one for this host's loopback names, with an authority of its own."""
        import trustme  # noqa: PLC0415 - heavy, and for few

        authority = trustme.CA()
        issued = authority.issue_cert(*_NAMES)
        context = _context()
        # ssl reads files only; this one is never on a disk, whatever becomes of us.
        memory = os.memfd_create("certificate")
        try:
            os.write(memory, issued.private_key_and_cert_chain_pem.bytes())
            context.load_cert_chain(f"/proc/self/fd/{memory}")
        finally:
            os.close(memory)
        return cls(context, authority.cert_pem.bytes().decode())

    @classmethod
    def from_files(cls, certificate: str | Path, key: str | Path) -> Certificate:
        """Read PEM files.

        Args:
            certificate: The certificate, and the chain after it if there is one.
            key: Its private key, not encrypted.

        Raises:
            ListenError: A file cannot be read, is not PEM, or the two do not fit together.
        """
        context = _context()
        try:
            authority = Path(certificate).read_text("ascii")
            Path(key).read_bytes()
        except (OSError, ValueError) as error:
            raise ListenError(
                f"cannot read the certificate {certificate} and its key {key}: {error}; "
                "give two PEM files that this user may read"
            ) from error
        try:
            context.load_cert_chain(certificate, key, password=lambda: "")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise ListenError(
                f"certificate {certificate} and key {key} cannot be used: {error}; "
                "give a PEM certificate and its own key, without a passphrase"
            ) from error
        return cls(context, authority)


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_ALPN)
    context.num_tickets = 0  # a ticket would be one more segment before the first
    return context
