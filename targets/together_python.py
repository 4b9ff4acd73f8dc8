"""Drives the together package (1.5.36 and later): chat completions, with both clients."""

from __future__ import annotations

from replayfuzz.targets.stainless import Clients, serve_chat


def main() -> None:
    """Serve the installed together package."""
    import together

    clients = Clients("together", ("Together", "AsyncTogether"), "/v1")
    serve_chat("together-python", clients, "together", together.__version__)


if __name__ == "__main__":
    main()
