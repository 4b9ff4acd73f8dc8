"""What README shows is run: a sentence in it that is not true fails here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# The library of README's examples: a reader that decodes each chunk on its own.
MYLIB = """
import json
import urllib.request
from types import SimpleNamespace

__version__ = "1.0"


class Parser:
    def __init__(self):
        self._rest = ""

    def feed(self, piece):
        *blocks, self._rest = (self._rest + piece.decode("utf-8", "replace")).split("\\n\\n")
        for block in blocks:
            data = block.removeprefix("data: ")
            if data.startswith("{"):
                for choice in json.loads(data)["choices"]:
                    if choice["index"] == 0 and choice["delta"].get("content"):
                        yield choice["delta"]["content"]


def stream(url, timeout):
    parser = Parser()
    with urllib.request.urlopen(url, data=b"{}", timeout=timeout) as answer:
        while piece := answer.read1():
            for text in parser.feed(piece):
                yield SimpleNamespace(text=text)
"""


def block(language, holding):
    """The code block of README that holds a text."""
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    return next(text for text in found if holding in text)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "mylib.py").write_text(MYLIB)
    return tmp_path


def run(project, *words):
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_your_own_parser(project):
    (project / "test_mine.py").write_text(block("python", "test_my_parser"))

    done = run(project, "pytest", "-q", "-k", "plain", "-p", "no:cacheprovider")

    assert done.returncode == 1, done.stdout
    assert "the smallest stream that does it" in done.stdout


@pytest.mark.slow
def test_your_own_client(project):
    client = "import urllib.request\nimport mylib\nclass my_client:\n    @staticmethod\n"
    client += "    def read(url):\n        return ''.join(c.text for c in mylib.stream(url, 5))\n"
    shown = block("python", "replay_server")
    (project / "test_mine.py").write_text(f"import replayfuzz\n{client}\n{shown}")

    done = run(project, "pytest", "-q", "-k", "plain", "-p", "no:cacheprovider")

    assert done.returncode == 1, done.stdout
    assert "AssertionError" in done.stdout


@pytest.mark.slow
def test_your_own_target(project):
    (project / "my_target.py").write_text(block("python", "# my_target.py"))
    (project / "my_target.toml").write_text(block("toml", "# my_target.toml"))

    words = ["--target", "./my_target.toml", "--examples", "60", "--seed", "0"]
    done = run(project, "replayfuzz", "fuzz", *words, "--format", "json")

    result = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert [target["name"] for target in result["targets"]] == ["mylib"]
    assert "valid-utf8" in {finding["invariant"] for finding in result["findings"]}
    assert (project / result["findings"][0]["folder"] / "repro.py").is_file()


def test_settings(tmp_path):
    from replayfuzz.settings import load

    (tmp_path / "pyproject.toml").write_text(block("toml", "[tool.replayfuzz]\ntarget"))

    settings = load(tmp_path)

    assert settings.time == "2m"
    assert settings.target == ("openai-python", "./my_target.toml")


def test_every_file_that_is_linked_is_there():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).is_file(), link
