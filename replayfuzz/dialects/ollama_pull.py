"""Ollama's ``/api/pull``: how a download goes on, one object a line, ``"success"`` last.

Nothing is said by a model, so each line is told as a record: its status, and for a layer the
digest and the bytes, in total and so far. Ollama's ``/api/push`` and ``/api/create`` have the
same form.
"""

from __future__ import annotations

from typing import Any

from replayfuzz.dialects import lines
from replayfuzz.dialects.dialect import Dialect
from replayfuzz.dialects.order import RECORDS
from replayfuzz.dialects.story import ProviderError, Story, message_of

_MEMBERS = ("status", "digest", "total", "completed")


def _tell(record: dict[str, Any], story: Story) -> None:
    if record.get("error"):
        raise ProviderError(message_of(record))
    status = story.text(story.needed(record.get("status")))
    story.record(story.exact({name: record[name] for name in _MEMBERS if name in record}))
    if status == "success":
        if not story.terminal:  # two last lines end one stream
            story.emit("done")
        story.terminal = True


OLLAMA_PULL = Dialect(
    name="ollama.pull",
    format="ndjson",
    content_type="application/x-ndjson",
    path="/api/pull",
    expect=lines.oracle(_tell),
    source="https://github.com/ollama/ollama/blob/main/docs/api.md",
    sites={
        "text": (("status",),),
    },
    errors={
        "no such model": b'{"error":"pull model manifest: file does not exist"}\n',
        "digest": b'{"error":"digest mismatch, file must be downloaded again"}\n',
    },
    order=RECORDS,
)
