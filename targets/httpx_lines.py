"""Drives httpx, or httpx2: the lines of a response, each read as JSON.

python -m replayfuzz.targets.httpx_lines httpx|httpx2
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

from replayfuzz.targets import over_httpx
from replayfuzz.targets.json_lines import record
from replayfuzz.worker import Call, Result, Shown, serve


class Lines:
    """The clients, built once."""

    def __init__(self, httpx: Any) -> None:
        self._seat = over_httpx.Seat()
        self._sync = over_httpx.sync_client(httpx, self._seat)
        self._async = over_httpx.async_client(httpx, self._seat)

    def __call__(self, call: Call) -> Result:
        self._seat.call = call
        return self.later(call) if call.variant == "async" else self.sync(call)

    def sync(self, call: Call) -> Iterator[Shown]:
        """``iter_lines``."""
        with self._sync.stream("POST", **_request(call)) as response:
            response.raise_for_status()
            for line in response.iter_lines():
                if line:
                    yield record(line)

    async def later(self, call: Call) -> AsyncIterator[Shown]:
        """``aiter_lines``."""
        async with self._async.stream("POST", **_request(call)) as response:
            response.raise_for_status()
            async for line in response.aiter_lines():
                if line:
                    yield record(line)


def _request(call: Call) -> dict[str, Any]:
    url = f"{call.url or 'http://127.0.0.1'}/lines"
    return {"url": url, "json": dict(call.request), "timeout": call.timeout}


def main() -> None:
    """Serve the installed package that the command line names."""
    name = sys.argv[1]
    library = importlib.import_module(name)
    serve(
        Lines(library),
        name=f"{name}-lines",
        version=library.__version__,
        dialects=("ndjson",),
        variants=("sync", "async"),
        library=name,
        memory=True,
    )


if __name__ == "__main__":
    main()
