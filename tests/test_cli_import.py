"""``replayfuzz import`` as a user runs it."""

import json
import shutil
from pathlib import Path

import pytest

from replayfuzz import store
from tests.cli import finished

FILES = Path(__file__).parent / "data" / "imports"
KEY = "sk-proj-" + "abcdefghij0123456789" * 2


@pytest.fixture
def folder(tmp_path):
    for name in ("vcrpy.json", "flows.mitm"):
        shutil.copy(FILES / name, tmp_path)
    return tmp_path


@pytest.mark.slow
def test_recordings_become_cassettes_that_load(folder):
    status, out, err = finished(folder, "import", "vcrpy.json", "flows.mitm", "-o", "new")

    assert (status, err) == (0, "")
    assert "vcrpy.json (VCR.py) -> new/vcrpy.yaml" in out
    assert "flows#1: openai.chat, 648 bytes, 5 chunks (boundaries gzip, times unknown)" in out
    names = [exchange.name for exchange in store.load([folder / "new"])]
    assert names == ["new/flows#0", "new/flows#1", "new/flows#2", "new/vcrpy#0", "new/vcrpy#1"]


@pytest.mark.slow
def test_one_bad_file_does_not_keep_the_others_out(folder):
    (folder / "bad.har").write_text("{")
    words = ("bad.har", "none.har", ".", "vcrpy.json")
    status, out, err = finished(folder, "import", *words, "--format", "json")
    told = json.loads(out)

    assert (status, err, told["version"]) == (2, "", 1)
    assert [bool(one["faults"]) for one in told["files"]] == [True, True, True, False]
    assert told["files"][3]["cassette"] == "cassettes/vcrpy.yaml"
    assert [one["dialect"] for one in told["files"][3]["exchanges"]] == [
        "openai.chat",
        "ollama.chat",
    ]


@pytest.mark.slow
def test_faults_are_lines_on_standard_error(folder):
    (folder / "bad.yaml").write_text("interactions: []\n")
    status, out, err = finished(folder, "import", "bad.yaml")

    assert (status, out.strip()) == (2, "")
    assert err.startswith("replayfuzz: bad.yaml:1: the file has no 'version'; known are 1")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_the_recording_itself_is_never_replaced(folder):
    source = folder / "vcrpy.yaml"
    shutil.copy(FILES / "vcrpy.yaml", source)
    before = source.read_bytes()

    status, _, err = finished(folder, "import", "vcrpy.yaml", "-o", ".")

    assert (status, source.read_bytes()) == (2, before)
    assert "is there already" in err


@pytest.mark.slow
def test_files_of_one_name_and_a_second_run(folder):
    (folder / "other").mkdir()
    shutil.copy(FILES / "vcrpy.yaml", folder / "other" / "vcrpy.yaml")
    words = ("import", "vcrpy.json", "other/vcrpy.yaml", "-o", "new")

    assert finished(folder, *words)[0] == 0
    assert sorted(path.name for path in (folder / "new").iterdir()) == [
        "vcrpy-2.yaml",
        "vcrpy.yaml",
    ]
    assert finished(folder, *words)[0] == 0


@pytest.mark.slow
def test_secrets_are_in_no_file_and_no_output(folder):
    text = (folder / "vcrpy.json").read_text()
    text = text.replace('"accept": [', f'"authorization": ["Bearer {KEY}"], "accept": [', 1)
    text = text.replace("/v1/chat", f"/{KEY}/v1/chat", 1).replace("Gr\\u00fc", f"{KEY} Gr\\u00fc")
    text = text.replace('"code": 200', f'"code": "{KEY}"', 1)
    (folder / "vcrpy.json").write_text(text)

    status, out, err = finished(folder, "import", "vcrpy.json", "-o", "new")
    written = (folder / "new" / "vcrpy.yaml").read_text()

    assert status == 2
    assert "not a whole number" in err
    assert all("abcdefghij0123456789" not in text for text in (out, err, written))


@pytest.mark.slow
def test_words_that_fit_nothing_are_told(folder):
    status, _, err = finished(folder, "import", "vcrpy.json", "--dialect", "no.such")

    assert status == 2
    assert "there is no dialect 'no.such'" in err


@pytest.mark.slow
def test_a_file_without_streams_says_how_to_keep_it(folder):
    text = (folder / "vcrpy.json").read_text()
    for path in ("/v1/chat/completions", "/api/chat"):
        text = text.replace(path, "/other")
    for kind in ("text/event-stream; charset=utf-8", "application/x-ndjson"):
        text = text.replace(kind, "text/html")
    text = text.replace("data: ", "dat: ").replace("message", "massage")
    (folder / "vcrpy.json").write_text(text)

    status, _, err = finished(folder, "import", "vcrpy.json")

    assert status == 2
    assert "holds no stream; --all keeps what is none" in err
