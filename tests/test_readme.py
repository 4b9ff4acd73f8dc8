"""What README shows is run: a sentence in it that is not true fails here."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from replayfuzz import declared, environments
from replayfuzz.cli.app import app
from replayfuzz.errors import MissingError
from tests.cli import environment
from tests.daemons import PROGRAM

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


def run(project, *words, **variables):
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=project,
        env=environment(**variables),
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


@pytest.mark.slow
def test_your_own_target_in_javascript(project):
    """With a release of the package that was built before: a test downloads nothing."""
    try:
        built = environments.installed(declared.find("eventsource-parser"))
    except MissingError as missing:
        pytest.skip(str(missing))
    modules = Path(built.variables["REPLAYFUZZ_MODULES"]) / "node_modules"
    (project / "node_modules").symlink_to(modules)
    program = block("js", "// my.mjs")
    (project / "my.mjs").write_text(program)
    (project / "my.toml").write_text(block("toml", "# my.toml"))

    words = ["--target", "./my.toml", "--examples", "60", "--seed", "0"]
    done = run(project, "replayfuzz", "fuzz", *words, "--format", "json")

    result = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [(each["name"], each["examples"]) for each in result["targets"]] == [("my", 60)]
    assert program.count("\n") <= 20


@pytest.mark.slow
def test_your_own_daemon(project):
    """One that passes truncation off as a whole answer: only the strict scenarios see it."""
    folder = project / "chat-daemon"
    folder.mkdir()
    (folder / "daemon.toml").write_text(block("toml", "# chat-daemon/daemon.toml"))
    program = PROGRAM.replace('["BASE"]', '["OPENAI_API_BASE"]').replace("argv[1]", "argv[-1]")
    (folder / "daemon.py").write_text(program)
    words = shlex.split(next(line for line in commands() if " test --target chat-daemon" in line))

    done = run(project, *words, FLAW="hides")
    plain = run(project, *words, "--no-strict", FLAW="hides")

    assert done.returncode == 1, done.stdout + done.stderr
    shown = "  FAIL abort_honest           [abort]"
    assert shown in README
    assert shown in done.stdout
    assert "       no_done_marker: no [DONE]: it is event 5\n" in done.stdout
    assert plain.returncode == 0, plain.stdout
    assert plain.stdout.count("  PASS ") == 12


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_mock_provider(tmp_path):
    command = [sys.executable, "-m", "replayfuzz", "serve", "--port", "0"]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=pipe, text=True, env=environment(), cwd=tmp_path
    ) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().partition("127.0.0.1:")[2].split()[0]
            lines = [line.replace("8080", port) for line in README.splitlines() if "8080/" in line]
            done = [
                subprocess.run(shlex.split(line), capture_output=True, timeout=20, check=False)
                for line in lines
            ]
        finally:
            server.terminate()
            server.communicate()

    # curl's 56: failure in receiving network data, as the connection was reset.
    assert [each.returncode for each in done] == [0, 56, 0, 0, 0]
    assert [b"[DONE]" in each.stdout for each in done[:2]] == [True, False]
    assert b"event: message_stop" in done[2].stdout
    assert b"end.stall" in done[3].stdout
    assert json.loads(done[4].stdout)["total"] == 3
    assert server.returncode == 0


def commands():
    """Lines of README that start one of our commands, without their comments."""
    shown = re.findall(r"^(?:- run: | {4})((?:replayfuzz|make) .*)", README, flags=re.MULTILINE)
    return [line.partition("#")[0].strip() for line in shown]


@pytest.mark.parametrize("line", commands())
def test_every_command_and_option_is_there(line):
    program, name, *words = shlex.split(line)
    if program == "make":
        made = (ROOT / "Makefile").read_text()
        assert re.search(rf"^{name}:", made, flags=re.MULTILINE)
        return
    group: Any = typer.main.get_command(app)
    known = group.commands[name]
    options = {option for each in known.params for option in each.opts}
    assert {word for word in words if word.startswith("-")} <= options


def test_settings(tmp_path):
    from replayfuzz.settings import load

    (tmp_path / "pyproject.toml").write_text(block("toml", "[tool.replayfuzz]\ntarget"))

    settings = load(tmp_path)

    assert settings.time == "2m"
    assert settings.target == ("openai-python", "./my_target.toml")


def test_every_file_that_is_linked_is_there():
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).is_file(), link
