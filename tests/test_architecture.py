"""The dependency rule, as a table that a newcomer can read, and the budgets of the code."""

import ast
import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import replayfuzz

ROOT = Path(replayfuzz.__file__).parent

# Lowest first. A module may import from its own row or from rows above it here.
LAYERS: list[set[str]] = [
    {"errors"},
    {"plan", "verdict", "transcript", "target", "daemon"},
    {"cassette", "cassette_yaml"},
    {"wire"},
    {"formats"},
    {"redact"},
    {"dialects"},
    {"invariants", "imports"},
    {"finding", "run", "scenarios", "lint"},
    {"report"},
    {"strategies"},
    {"mock"},
    {"worker", "targets"},
    {"store", "deliver", "answer", "guard", "processes", "programs"},
    {"installer", "environments", "declared", "settings"},
    {"serve", "drive", "handoff", "findings"},
    {"record"},
    {"search", "examine"},
    {"testing"},
    {"cli", "pytest_plugin"},
    {"__main__"},
]
PURE = set().union(*LAYERS[:12])
EFFECTS = {
    *("asyncio", "io", "os", "random", "selectors", "shutil", "signal", "socket"),
    *("subprocess", "tempfile", "threading", "time", "trio", "urllib"),
}
# A library stays behind one door, so that it can be replaced there.
DOORS = {
    "hypothesis": {"strategies", "search", "testing"},
    "typer": {"cli"},
    "rich": {"cli"},
    "jinja2": {"report"},
    "trio": {"deliver", "record", "serve"},
    "h2": {"deliver", "record", "serve", "targets"},
    "hyperframe": {"deliver"},
    "trustme": {"serve"},
    "construct": {"formats", "handoff"},
    "vcr": {"record"},
}
# These run in environments that hold the library under test and nothing of ours.
STANDARD_LIBRARY_ONLY = {"worker", "targets", "guard"}
MAX_MODULE, MAX_FUNCTION, MAX_PARAMETERS = 300, 45, 5


def files() -> list[Path]:
    """Every module, those behind the three links too (``**`` does not follow links)."""
    folders = [ROOT, *(path for path in ROOT.iterdir() if path.is_symlink())]
    found = (path for folder in folders for path in folder.glob("**/*.py"))
    return sorted({path for path in found if "__pycache__" not in path.parts})


def module(path: Path) -> str:
    """The first name below ``replayfuzz``: a file's row in LAYERS."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def rank(name: str) -> int:
    for number, row in enumerate(LAYERS):
        if name in row:
            return number
    pytest.fail(f"replayfuzz.{name} has no row in LAYERS: decide where it belongs")


def each_file():
    rows = [path for path in files() if path != ROOT / "__init__.py"]
    return pytest.mark.parametrize("path", rows, ids=lambda path: str(path.relative_to(ROOT)))


@each_file()
def test_imports_point_down(path):
    """A file imports its own row or lower ones; pure rows have no effects."""
    here = module(path)
    for name in imports(path):
        first, _, rest = name.partition(".")
        if first == "replayfuzz" and rest:
            below = rest.split(".")[0]
            if (ROOT / below).is_dir() or (ROOT / f"{below}.py").is_file():
                assert rank(below) <= rank(here), f"{here} imports {name}"
        if here in PURE:
            assert first not in EFFECTS, f"{here} is pure, and imports {name}"


@each_file()
def test_libraries_stay_behind_their_door(path):
    for name in imports(path):
        first = name.split(".")[0]
        assert module(path) in DOORS.get(first, {module(path)}), f"{module(path)} imports {name}"


@each_file()
def test_adapters_need_only_the_standard_library(path):
    """At module level: what is under test is imported when the program runs."""
    if module(path) not in STANDARD_LIBRARY_ONLY or path.stem == "reference":
        return
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            first = (getattr(node, "module", None) or node.names[0].name).split(".")[0]
            assert first == "replayfuzz" or first in sys.stdlib_module_names, first


@each_file()
def test_code_keeps_its_budgets(path):
    """Where something outgrows these, it wants to be two things."""
    text = path.read_text()
    assert text.count("\n") <= MAX_MODULE
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        docstring = (ast.get_docstring(node) or "").count("\n")
        lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        named = [argument for argument in arguments if argument.arg not in {"self", "cls"}]
        assert lines <= MAX_FUNCTION, f"{node.name}: {lines} lines"
        if module(path) != "cli":  # an option of a command is a parameter of its function
            assert len(named) <= MAX_PARAMETERS, f"{node.name}: {len(named)} parameters"


def test_every_row_names_a_module_that_exists():
    """An entry for a module that is gone would hide the next one of that name."""
    present = {module(path) for path in files()}
    assert set().union(*LAYERS) <= present


def test_every_module_imports_alone():
    """Also makes coverage count modules that no other test touches."""
    for found in pkgutil.walk_packages([str(ROOT)], "replayfuzz."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)


def test_public_names_are_declared():
    submodules = {path.stem for path in ROOT.iterdir()}
    public = {name for name in vars(replayfuzz) if not name.startswith(("_", "@"))}
    ours = {name.removesuffix(".py") for name in submodules} | {"annotations", "Any"}

    assert public - ours - {"TYPE_CHECKING"} <= set(replayfuzz.__all__)


def test_the_package_itself_is_light():
    """Workers in isolated environments import it without any dependency of ours."""
    code = (
        "import sys; import replayfuzz, replayfuzz.worker, replayfuzz.guard;"
        "heavy = {'hypothesis', 'trio', 'typer', 'yaml', 'vcr', 'h2'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
