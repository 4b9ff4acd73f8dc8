"""Record with VCR.py: ``python vcrpy_make.py http://127.0.0.1:PORT FOLDER``."""

import sys

import httpx
import requests
import vcr

ASKED = {"model": "m-1", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
base, folder = sys.argv[1:]
asked = "/v1/chat/completions"

with vcr.VCR().use_cassette(f"{folder}/vcrpy.yaml"):
    requests.post(base + asked, json=ASKED, timeout=9)
    requests.post(base + "/gzip" + asked, json=ASKED, timeout=9)
    requests.post(base + "/api/chat", json=ASKED, timeout=9)
    requests.get(base + "/v1/models", timeout=9)
with (
    vcr.VCR(serializer="json").use_cassette(f"{folder}/vcrpy.json"),
    httpx.Client(trust_env=False) as client,
):
    client.post(base + asked, json=ASKED)
    client.post(base + "/api/chat", json=ASKED)
