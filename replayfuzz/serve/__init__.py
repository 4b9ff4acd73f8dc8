"""The replay server: plays scripts to whoever asks for them over HTTP/1.1.

``/t/<token>`` and everything below it is answered with the script offered under that
token. ``serve`` is the trio program; ``ReplayServer`` runs it in a thread, for callers
that have no event loop. What clients do wrong is answered, never raised.
"""

from replayfuzz.serve.listener import listen
from replayfuzz.serve.offers import Offers, Ticket
from replayfuzz.serve.server import ReplayServer, serve, serve_connection

__all__ = ["Offers", "ReplayServer", "Ticket", "listen", "serve", "serve_connection"]
