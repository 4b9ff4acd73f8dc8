"""Environments for releases: what is asked for, what is cached, what goes wrong."""

import sys
import threading

import pytest

from replayfuzz import declared, environments, installer
from replayfuzz.errors import InstallError, MissingError, UsageError
from replayfuzz.installer import InstallFailedError
from replayfuzz.target import Pin, Target

SSE = declared.find("httpx-sse")


def target(**more):
    values = {"package": {"pypi": "Left.Pad"}, "source": "/here/left.toml", **more}
    return Target("left", "parser", ("sse",), ("v",), ("{python}", "{here}/a.py"), **values)


@pytest.mark.parametrize(
    ("text", "package", "version", "spelt"),
    [
        ("openai==1.16.1", "openai", "1.16.1", "openai==1.16.1"),
        ("OpenAI == 1.16.1", "openai", "1.16.1", "openai==1.16.1"),
        ("Left_Pad.x", "left-pad-x", "", "left-pad-x"),
        ("a>=1,<2", "a", "", "a>=1,<2"),
        ("a[x, y]==1.0", "a", "1.0", "a[x,y]==1.0"),
        ("a==1.*", "a", "", "a==1.*"),
    ],
)
def test_a_requirement_is_read(text, package, version, spelt):
    found = environments.requirement(text)

    assert (found.package, found.version, found.text) == (package, version, spelt)


@pytest.mark.parametrize("text", ["", "==1", "a b", "https://x/y.whl", "-r file", "a;rm -rf"])
def test_what_is_no_requirement_is_told(text):
    with pytest.raises(UsageError, match="write NAME==VERSION"):
        environments.requirement(text)


@pytest.mark.parametrize(
    ("version", "pinned"),
    [
        ("1.13.3", ("httpx<0.28",)),
        ("1.55.2", ("httpx<0.28",)),
        ("1.55.3", ()),
        ("1.55.3.0", ()),
        ("1.100", ()),
        ("", ()),
        ("0.9rc1", ("httpx<0.28",)),
    ],
)
def test_old_releases_get_their_pins(version, pinned):
    old = target(pins=(Pin("1.55.3", ("httpx<0.28",)),))

    assert environments.pins(old, version) == pinned


def test_a_missing_library_is_a_skip_with_a_hint():
    with pytest.raises(
        MissingError, match=r"Left.Pad is not installed here; pip install 'replayfuzz"
    ) as told:
        environments.installed(target())

    assert told.value.hint == "pip install 'replayfuzz[clients]'"


def test_a_missing_companion_is_a_skip_too():
    with pytest.raises(MissingError, match="but no_such_library is not"):
        environments.installed(target(package={"pypi": "pytest"}, needs=("no-such-library>=1",)))


def test_what_is_installed_runs_on_this_interpreter():
    here = environments.installed(target(package={"pypi": "pytest"}))

    assert (here.python, here.version) == (sys.executable, pytest.__version__)
    assert here.command(target()) == (sys.executable, "/here/a.py")


def test_a_program_that_is_missing_is_a_skip():
    program = Target("x", "parser", ("sse",), ("v",), ("no-such-program",), source="x.toml")

    with pytest.raises(MissingError, match=r"set 'command' in x\.toml"):
        environments.installed(program)


def test_the_reference_is_always_there():
    assert environments.installed(declared.find("reference")).version


@pytest.mark.parametrize("one", [target(), target(package={})])
def test_a_requirement_for_another_package_is_told(one):
    with pytest.raises(UsageError, match="does not fit target left"):
        environments.build(one, "other==1.0")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "replayfuzz"


@pytest.fixture
def fake(monkeypatch):
    """An installer that makes a link to this interpreter; counts how often it is asked."""
    built = []

    class Fake:
        name = "fake"

        def create(self, folder):
            (folder / "bin").mkdir(parents=True)
            (folder / "bin" / "python").symlink_to(sys.executable)

        def install(self, python, requirements):
            if "==66" in requirements[0]:
                raise InstallFailedError("no such version\nlast line")
            built.append(requirements)

    monkeypatch.setattr(environments, "installer", Fake)
    monkeypatch.setattr(
        environments, "probe", lambda python, _: "1.0" if python.is_file() else None
    )
    return built


def test_an_environment_is_built_once(cache, fake):
    said: list[str] = []
    first = environments.build(SSE, "httpx-sse==0.4.1", said.append)
    second = environments.build(SSE, "HTTPX_SSE==0.4.1", said.append)

    assert first == second
    assert fake == [("httpx-sse==0.4.1", "httpx<0.29")]
    assert said == ["building an environment for httpx-sse==0.4.1, httpx<0.29 with fake"]
    assert first.python.startswith(str(cache / "envs" / "httpx-sse-0.4.1-"))


def test_our_own_package_is_reached_by_a_link_alone(cache, fake):
    from pathlib import Path

    shim = Path(environments.build(SSE, "httpx-sse==0.4.1").variables["PYTHONPATH"])

    assert [path.name for path in shim.iterdir()] == ["replayfuzz"]
    assert (shim / "replayfuzz" / "worker.py").is_file()


def test_a_damaged_environment_is_built_again(cache, fake):
    from pathlib import Path

    python = Path(environments.build(SSE, "httpx-sse==0.4.1").python)
    python.unlink()

    assert environments.build(SSE, "httpx-sse==0.4.1").python == str(python)
    assert (python.is_file(), len(fake)) == (True, 2)


def test_an_environment_that_was_never_finished_is_built_again(cache, fake):
    from pathlib import Path

    folder = Path(environments.build(SSE, "httpx-sse==0.4.1").python).parents[1]
    (folder / "replayfuzz.json").unlink()

    environments.build(SSE, "httpx-sse==0.4.1")
    assert len(fake) == 2


def test_two_runs_build_it_once(cache, fake):
    runs = [
        threading.Thread(target=environments.build, args=(SSE, "httpx-sse==0.4.1"))
        for _ in range(4)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()

    assert len(fake) == 1


def test_an_installer_that_fails_leaves_nothing_and_is_quoted(cache, fake):
    with pytest.raises(
        InstallError, match=r"(?s)cannot install httpx-sse==66.* no such version\nlast line"
    ):
        environments.build(SSE, "httpx-sse==66")

    assert [path.suffix for path in (cache / "envs").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_says_what_to_set(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))

    with pytest.raises(InstallError, match="set XDG_CACHE_HOME to a folder that can be written"):
        environments.build(SSE, "httpx-sse==0.4.1")


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        ("error: No solution found when resolving", "is there such a package and version"),
        ("ERROR: No matching distribution found for x", "is there such a package and version"),
        ("error sending request for url", "is there a network?"),
        ("no such version, from versions: none", "is there a network, and such a package?"),
        ("Temporary failure in name resolution", "is there a network?"),
        ("No space left on device", "the installer failed"),
    ],
)
def test_an_installer_s_words_are_explained(output, advice):
    program = f"import sys; print({output!r}); sys.exit(1)"

    with pytest.raises(InstallFailedError, match=rf"(?s){advice}.*{output}"):
        installer._run([sys.executable, "-S", "-c", program])


def test_an_installer_that_is_not_there_is_told():
    with pytest.raises(InstallFailedError, match="cannot start /nowhere"):
        installer._run(["/nowhere"])


def test_an_installer_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(installer, "_SECONDS", 0.05)

    with pytest.raises(InstallFailedError, match=r"it took more than 0.05 s"):
        installer._run(["sleep", "60"])


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_real_release_is_installed(cache, monkeypatch, tool):
    """With each of the two tools; needs a network, and is skipped without one."""
    uv = installer._uv()
    if tool == "uv" and uv is None:
        pytest.skip("uv is not installed")
    monkeypatch.setattr(
        environments, "installer", installer.pip if tool == "pip" else installer.installer
    )
    old = declared.find("sseclient-py")
    old = Target(old.name, old.kind, old.dialects, old.variants, old.command, package=old.package)
    try:
        found = environments.build(old, "sseclient-py==1.6")
    except InstallError as error:
        if "network" in str(error):
            pytest.skip("no network")
        raise

    assert found.version == "1.6"
