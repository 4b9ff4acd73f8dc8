"""F6: every corpus stream of our dialects, whole, byte by byte and at EVERY single cut.

Where ../shared is not beside the checkout, nothing is measured. Bodies of
more than DIRECT bytes are read by windows of two records (``tests.oracle_streams.windowed``),
because cutting them whole costs the square of their length; not so the elements of a JSON array and
events with an id, which are read otherwise alone than in their stream.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.table import Row, main
from replayfuzz.dialects import NAMES, find
from replayfuzz.formats.spans import events
from tests.oracle_streams import Recorded, mismatches, recorded, windowed

DIRECT = 3_500


def measure(direct: int = DIRECT) -> dict[str, float]:
    """Try every cut; return streams, cuts, byte-by-byte readings, mismatches and CPU seconds."""
    start = time.process_time()
    count = {"streams": 0, "cuts": 0, "mismatches": 0}
    for dialect in NAMES:
        for stream in recorded(dialect):
            bytewise = tuple(bytes([byte]) for byte in stream.body)
            wrong = int(stream.read(bytewise) != stream.read((stream.body,)))
            every = range(len(stream.body) + 1)
            whole = len(every) <= direct or not _parts(stream)
            found = mismatches(stream, every) if whole else windowed(stream)
            count["streams"] += 1
            count["cuts"] += len(every)
            count["mismatches"] += wrong + len(found)
    return {**count, "cpu_seconds": round(time.process_time() - start, 1)}


def _parts(stream: Recorded) -> bool:
    """Whether two of its records are read alone as they are in it."""
    form = find(stream.dialect).format
    records = events(stream.body, form)
    return form != "json-array" and all(
        line.name != "id" for record in records for line in record.lines
    )


def rows() -> list[Row]:
    """F6; a cut that mattered is a mismatch."""
    row = measure()
    equal = 100 * (1 - row["mismatches"] / max(row["cuts"], 1)) if row["streams"] else None
    note = (
        f"{row['streams']} streams, {row['cuts']} cuts, {row['mismatches']} mismatches, "
        f"{row['cpu_seconds']} s of CPU"
    )
    return [Row("F6", "oracle: whole, byte by byte, at every cut", equal, "%", 100, note=note)]


if __name__ == "__main__":
    main(rows)
