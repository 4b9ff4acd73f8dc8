"""Sans-IO readers of the formats that streams are written in: bytes in, values out.

Nothing here knows a provider. ``sse`` and ``ndjson`` read a stream piece by piece;
``json_text`` reads one JSON text; ``spans`` tells where in the bytes things stand.
"""
