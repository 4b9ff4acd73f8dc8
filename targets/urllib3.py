"""Drives the urllib3 package: the lines of a response, each read as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from replayfuzz.targets import over_requests
from replayfuzz.targets.json_lines import record
from replayfuzz.worker import Call, Shown, serve


class Urllib3:
    """A pool, built once."""

    def __init__(self, urllib3: Any) -> None:
        self._library = urllib3
        self._pool = urllib3.PoolManager(retries=False)

    def __call__(self, call: Call) -> Iterator[Shown]:
        response = self._response(call)
        try:
            if response.status >= 400:
                raise self._library.exceptions.ResponseError(f"{response.status} Error")
            for line in response:
                if line.strip():
                    yield record(line)
        finally:
            response.close()

    def _response(self, call: Call) -> Any:
        if call.pieces is not None:
            return over_requests.remembered(self._library, call)
        return self._pool.request(
            "POST",
            f"{call.url}/lines",
            body=json.dumps(dict(call.request)).encode(),
            # A connection for each call: what a stream leaves on its own meets no other.
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
