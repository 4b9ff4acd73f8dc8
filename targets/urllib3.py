"""Drives the urllib3 package: the lines of a response, each read as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import over_requests
from replayfuzz.targets.json_lines import record
from replayfuzz.worker import Call, Shown, serve


class Urllib3:
    """A pool for each call: one that is kept may hold a connection that the server is closing."""

    def __init__(self, urllib3: Any) -> None:
        self._library = urllib3

    def __call__(self, call: Call) -> Iterator[Shown]:
        if call.pieces is not None:
            yield from self._lines(over_requests.remembered(self._library, call))
            return
        with self._library.PoolManager(retries=False) as pool:
            yield from self._lines(_asked(pool, call))

    def _lines(self, response: Any) -> Iterator[Shown]:
        try:
            if response.status >= 400:
                raise self._library.exceptions.ResponseError(f"{response.status} Error")
            for line in response:
                if line.strip():
                    yield record(line)
        finally:
            response.close()


def _asked(pool: Any, call: Call) -> Any:
    return pool.request(
        "POST",
        f"{call.url}/lines",
        body=json.dumps(dict(call.request)).encode(),
        headers={"Content-Type": "application/json", "Connection": "close"},
        timeout=call.timeout,
        preload_content=False,
    )


def main() -> None:
    """Serve the installed urllib3 package."""
    import urllib3

    serve(
        Urllib3(urllib3),
        name="urllib3",
        version=urllib3.__version__,
        dialects=("ndjson",),
        library="urllib3",
        memory=True,
    )


if __name__ == "__main__":
    main()
