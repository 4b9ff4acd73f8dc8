"""The replay server: plays scripts to whoever asks for them.

One port speaks HTTP/1.1, HTTP/2 (its preface tells) and, with a certificate, both over TLS.
``/t/<token>`` and everything below it is answered with the script offered under that
token. ``serve`` is the trio program; ``ReplayServer`` runs it in a thread, for callers
that have no event loop. What clients do wrong is answered, never raised.
"""

from replayfuzz.deliver.http2 import Http2
from replayfuzz.serve.certificate import Certificate
from replayfuzz.serve.connection import serve_connection
from replayfuzz.serve.listener import listen
from replayfuzz.serve.offers import Offers, Ticket
from replayfuzz.serve.server import ReplayServer, serve
from replayfuzz.serve.shows import Direct, Plain, Show, Shows

__all__ = [
    "Certificate",
    "Direct",
    "Http2",
    "Offers",
    "Plain",
    "ReplayServer",
    "Show",
    "Shows",
    "Ticket",
    "listen",
    "serve",
    "serve_connection",
]
