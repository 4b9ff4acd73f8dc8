"""Drives the groq package: chat completions, with the synchronous and the asynchronous client."""

from __future__ import annotations

from replayfuzz.targets.stainless import Clients, serve_chat


def main() -> None:
    """Serve the installed groq package."""
    import groq

    clients = Clients("groq", ("Groq", "AsyncGroq"), "")
    serve_chat("groq-python", clients, "groq", groq.__version__)


if __name__ == "__main__":
    main()
