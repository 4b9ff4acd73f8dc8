"""Environments for releases: what is asked for, what is cached, what goes wrong."""

import re
import sys
import threading

import pytest

from replayfuzz import declared, environments, installer
from replayfuzz.errors import InstallError, MissingError, TargetError, UsageError
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
        MissingError, match=r"Left.Pad is not installed here; pip install Left.Pad"
    ) as told:
        environments.installed(target())

    assert told.value.hint == ("pip install Left.Pad, or replayfuzz fuzz --target left builds it")


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

    monkeypatch.setattr(environments.pypi, "installer", Fake)
    monkeypatch.setattr(
        environments.pypi, "probe", lambda python, _: "1.0" if python.is_file() else None
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
        installer.run([sys.executable, "-S", "-c", program])


def test_an_installer_that_is_not_there_is_told():
    with pytest.raises(InstallFailedError, match="cannot start /nowhere"):
        installer.run(["/nowhere"])


def test_an_installer_that_takes_too_long_is_ended(monkeypatch):
    monkeypatch.setattr(installer, "_SECONDS", 0.05)

    with pytest.raises(InstallFailedError, match=r"it took more than 0.05 s"):
        installer.run(["sleep", "60"])


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_a_real_release_is_installed(cache, monkeypatch, tool):
    """With each of the two tools; needs a network, and is skipped without one."""
    uv = installer._uv()
    if tool == "uv" and uv is None:
        pytest.skip("uv is not installed")
    monkeypatch.setattr(
        environments.pypi, "installer", installer.pip if tool == "pip" else installer.installer
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


@pytest.mark.parametrize(
    ("registry", "text", "package", "version"),
    [
        ("npm", "openai==7.5.0", "openai", "7.5.0"),
        ("npm", "openai@7.5.0", "openai", "7.5.0"),
        ("npm", "@ai-sdk/openai==2.0.0-beta.1", "@ai-sdk/openai", "2.0.0-beta.1"),
        ("npm", "@ai-sdk/openai", "@ai-sdk/openai", ""),
        ("npm", "sse.js", "sse.js", ""),
        ("go", "github.com/x/y/v3==v3.2.1", "github.com/x/y/v3", "v3.2.1"),
        ("go", "github.com/x/y==1.2.3", "github.com/x/y", "v1.2.3"),
        ("go", "github.com/x/y==v2.0.0+incompatible", "github.com/x/y", "v2.0.0+incompatible"),
        ("crates", "eventsource_stream==0.2.3", "eventsource-stream", "0.2.3"),
    ],
)
def test_a_requirement_of_another_registry_is_read(registry, text, package, version):
    found = environments.requirement(text, registry)

    assert (found.package, found.version) == (package, version)


@pytest.mark.parametrize(
    ("registry", "text"),
    [("npm", "a b"), ("npm", "https://x/y"), ("go", "openai==1"), ("crates", "a>=1"), ("npm", "")],
)
def test_what_is_no_requirement_of_another_registry_is_told(registry, text):
    with pytest.raises(UsageError, match="write NAME==VERSION"):
        environments.requirement(text, registry)


@pytest.mark.parametrize(
    ("text", "package", "fits"),
    [
        ("openai==1.0", {"pypi": "openai"}, True),
        ("openai==7.5.0", {"npm": "openai"}, True),
        ("npm:openai==7.5.0", {"npm": "openai"}, True),
        ("npm:openai==7.5.0", {"pypi": "openai"}, False),
        ("pypi:OpenAI", {"pypi": "openai"}, True),
        ("github.com/x/y==v1.0.0", {"go": "github.com/x/y"}, True),
        ("github.com/x/y==v1.0.0", {"pypi": "openai"}, False),
        ("anything", {}, False),
        ("anything", {"rubygems": "anything"}, False),
    ],
)
def test_a_requirement_fits_the_package_of_its_registry(text, package, fits):
    assert environments.fits(text, target(package=package)) is fits


def test_releases_are_put_in_order_without_those_before_a_release():
    from replayfuzz.environments.requirement import stable

    mixed = ["1.10.0", "1.9.0", "2.0.0-beta.1", "1.9.0rc1", "v1.11.0", "2.0.0+incompatible"]

    assert stable(mixed) == ("1.9.0", "1.10.0", "v1.11.0", "2.0.0+incompatible")


def test_places_in_a_command_are_filled_in():
    words = ("{worker}", "{js}/worker.mjs", "{here}/x", "{python}")
    one = Target("x", "parser", ("sse",), ("v",), words, source="/here/x.toml")
    worker, js, here, python = environments.Environment("py", "1", worker="/w").command(one)

    assert (worker, here, python) == ("/w", "/here/x", "py")
    assert js == str(declared.SHIPPED.resolve() / "js" / "worker.mjs")


@pytest.fixture
def node(monkeypatch):
    """A machine that has Node and npm; its version can be set."""
    from replayfuzz import programs

    told = {"node": "v20.1.0"}
    monkeypatch.setattr(programs, "need", lambda *_: None)
    monkeypatch.setattr(programs, "told_version", told.__getitem__)
    return told


def module(folder, name, version):
    import json

    (folder / name).mkdir(parents=True)
    (folder / name / "package.json").write_text(json.dumps({"name": name, "version": version}))


JS = target(package={"npm": "left"})


def test_the_modules_of_a_project_are_found_from_below(cache, node, tmp_path, monkeypatch):
    from pathlib import Path

    module(tmp_path / "project" / "node_modules", "left", "3.2.1")
    (tmp_path / "project" / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "project" / "deep")

    found = environments.installed(JS)

    folder = Path(found.variables["REPLAYFUZZ_MODULES"])
    assert found.version == "3.2.1"
    assert (folder / "node_modules").resolve() == tmp_path / "project" / "node_modules"
    assert (folder / "load.mjs").is_file()


@pytest.mark.parametrize("need", ["right", "right@6", "@a/right@^2", "@a/right"])
def test_a_companion_that_a_project_lacks_is_a_skip(cache, node, tmp_path, monkeypatch, need):
    module(tmp_path / "node_modules", "left", "3.2.1")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(MissingError, match=r"is in .*, but (@a/)?right is not"):
        environments.installed(target(package={"npm": "left"}, needs=(need,)))


def test_an_old_node_is_a_skip(node):
    node["node"] = "v16.20.0"

    with pytest.raises(MissingError, match=r"node v16.20.0 is too old; install Node 18"):
        environments.installed(JS)


@pytest.mark.parametrize(
    ("registry", "words"),
    [("npm", "node is not here; install Node"), ("go", "go is not"), ("crates", "cargo is not")],
)
def test_a_toolchain_that_is_not_here_is_a_skip_with_a_hint(tmp_path, monkeypatch, registry, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "reader").mkdir()
    package = {registry: "github.com/left" if registry == "go" else "left"}
    one = target(package=package, build="reader", source=str(tmp_path / "left.toml"))

    for ask in (environments.installed, environments.releases, environments.newest):
        with pytest.raises(MissingError, match=words):
            ask(one)


@pytest.fixture
def npm(node, monkeypatch):
    """A fake npm, which writes what it would install; counts how often it is asked."""
    built = []

    def install(command, folder=None, variables=None, seconds=0.0):
        wanted = command[-1]
        if "@66" in wanted:
            raise InstallFailedError("no such version")
        built.append(wanted)
        version = wanted.rpartition("@")[2]
        module(folder / "node_modules", "left", "9.0.0" if version == "latest" else version)
        return ""

    monkeypatch.setattr(environments.npm, "run", install)
    return built


def test_an_environment_of_npm_is_built_once_and_then_found(cache, npm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MissingError, match="replayfuzz fuzz --target left builds it"):
        environments.installed(JS)

    first = environments.build(JS, "left==3.0.3")
    assert environments.build(JS, "npm:left@3.0.3") == first
    assert (first.version, first.requirement, npm) == ("3.0.3", "left==3.0.3", ["left@3.0.3"])
    assert environments.installed(JS).version == "3.0.3"

    environments.build(JS, "left==10.0.0")
    environments.build(JS, "left==9.9.9")
    assert environments.installed(JS).version == "10.0.0"
    assert environments.newest(JS).version == "9.0.0"


def test_an_environment_with_other_companions_is_another(cache, npm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environments.build(JS, "left==3.0.3")

    with pytest.raises(MissingError):
        environments.installed(target(package={"npm": "left"}, needs=("right@6",)))


def test_npm_gets_one_word_for_each_package(cache, node, monkeypatch):
    """Of a need and of pins, in whatever order they are declared, that of the oldest releases."""
    told = []

    def install(command, folder):
        told.append(command)
        module(folder / "node_modules", "left", "1.0")
        return ""

    monkeypatch.setattr(environments.npm, "run", install)
    declared = target(
        package={"npm": "left"},
        needs=("@a/b@7", "zod", "zod"),
        pins=(Pin("2", ("@a/b@4", "zod@3")), Pin("4", ("@a/b@6",)), Pin("9", ("zod@2",))),
    )
    environments.build(declared, "left==1.0")

    assert told[0][-3:] == ("left@1.0", "@a/b@4", "zod@3")


@pytest.mark.parametrize("registry", ["npm", "go", "crates"])
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"needs": ("ai@6", "zod", "ai@7")}, "needs: ai@6 and ai@7 are one package"),
        ({"needs": ("ai", "ai@7")}, "needs: ai and ai@7"),
        ({"needs": ("a.b/c@2",)}, "needs: a.b/c and a.b/c@2"),
        ({"pins": (Pin("2", ("ai@4", "ai@5")),)}, "pins below 2: ai@4 and ai@5"),
        ({"pins": (Pin("2", ("ai@4",)), Pin("2.0", ("ai@5",)))}, "pins below 2: ai@4 and ai@5"),
    ],
)
def test_two_versions_of_one_package_are_told(registry, more, words):
    one = target(package={registry: "a.b/c"}, **more)
    ask = {"npm": environments.npm, "go": environments.go, "crates": environments.crates}[registry]

    with pytest.raises(TargetError, match=re.escape(f"/here/left.toml: {words}")):
        ask.requirements(one, environments.Requirement("a.b/c", "3.0", "a.b/c==3.0"))


def test_npm_that_fails_leaves_nothing(cache, npm):
    with pytest.raises(InstallError, match=r"cannot install left@66 for --with: no such version"):
        environments.build(JS, "left==66")

    assert [path.suffix for path in (cache / "envs").iterdir()] == [".lock"]


@pytest.fixture
def source(tmp_path):
    """A declaration with the source of a compiled worker, and the part that workers share."""
    for name in ("one", "worker"):
        (tmp_path / "readers" / name / "target").mkdir(parents=True)
        (tmp_path / "readers" / name / "a.txt").write_text(name)
        (tmp_path / "readers" / name / "target" / "result").write_text("")
    return target(
        package={"go": "x.org/left"}, build="readers/one", source=str(tmp_path / "left.toml")
    )


def test_a_source_is_copied_with_what_it_shares(source, tmp_path):
    from replayfuzz.environments import compiled

    place = compiled.copy(source, tmp_path / "copy")

    files = {path.relative_to(tmp_path / "copy") for path in (tmp_path / "copy").rglob("*.txt")}
    assert place == tmp_path / "copy" / "source" / "one"
    assert {str(file) for file in files} == {"source/one/a.txt", "source/worker/a.txt"}
    assert not list((tmp_path / "copy").rglob("target"))


@pytest.mark.parametrize("changed", ["one", "worker"])
def test_every_byte_of_a_source_counts(source, tmp_path, changed):
    from replayfuzz.environments import compiled

    before = compiled.digest(source)
    (tmp_path / "readers" / changed / "target" / "result").write_text("another")
    assert compiled.digest(source) == before

    (tmp_path / "readers" / changed / "a.txt").write_text("another")
    assert compiled.digest(source) != before


def test_a_source_that_is_not_there_is_told(tmp_path):
    from replayfuzz.environments import compiled
    from replayfuzz.errors import TargetError

    with pytest.raises(TargetError, match="'build' must name the folder beside it"):
        compiled.source(target(build="nowhere", source=str(tmp_path / "left.toml")))


def test_releases_of_a_crate_are_read_from_the_index_that_cargo_keeps(tmp_path, monkeypatch):
    from replayfuzz import programs

    rows = [
        '{"name":"left","vers":"0.1.0","yanked":false}',
        '{"name":"left","vers":"0.3.0-rc.1","yanked":false}',
        '{"name":"left","vers":"0.2.0","yanked":true}',
        '{"name":"left","vers":"0.1.10","yanked":false}',
        '{"name":"left","vers":"0.1.9","yanked":false}',
    ]
    file = tmp_path / "registry" / "index" / "somewhere" / ".cache" / "le" / "ft" / "left"
    file.parent.mkdir(parents=True)
    file.write_text(
        "\x03\x02etag: x\0" + "\0".join(f"{number}\0{row}" for number, row in enumerate(rows))
    )
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    monkeypatch.setattr(programs, "need", lambda *_: None)
    monkeypatch.setattr(environments.crates, "run", lambda *_: "")

    assert environments.releases(target(package={"crates": "left"})) == ("0.1.0", "0.1.9", "0.1.10")
    with pytest.raises(InstallError, match="cargo keeps no index of right"):
        environments.releases(target(package={"crates": "right"}))


def test_a_target_from_no_registry_has_no_releases():
    with pytest.raises(UsageError, match="is from no registry"):
        environments.releases(target(package={}))
