"""Settings: where they come from, and what a wrong one says."""

import pytest

from replayfuzz.errors import UsageError
from replayfuzz.settings import Settings, load


def test_without_a_file_nothing_is_set(tmp_path):
    assert load(tmp_path) == Settings()


def test_pyproject_holds_them_under_tool(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[tool.replayfuzz]\ntime = "5m"\ntarget = "mine"\n')

    assert load(tmp_path) == Settings(target=("mine",), time="5m", source="pyproject.toml")


def test_a_pyproject_without_our_table_sets_nothing(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")

    assert load(tmp_path) == Settings()


def test_our_own_file_wins(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.replayfuzz]\njobs = 1\n")
    (tmp_path / "replayfuzz.toml").write_text("jobs = 2\n[targets.x]\nname = 'x'\n")

    assert load(tmp_path).jobs == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("jobs = 'two'", "'jobs' is 'two', not a int", id="wrong-type"),
        pytest.param("seed = true", "'seed' is True", id="true-is-no-number"),
        pytest.param("tiem = '5m'", "unknown setting 'tiem'; known are", id="misspelt"),
        pytest.param("jobs = ", "settings are TOML", id="not-toml"),
    ],
)
def test_a_wrong_setting_is_told(tmp_path, text, message):
    (tmp_path / "replayfuzz.toml").write_text(text)

    with pytest.raises(UsageError, match=r"^replayfuzz.toml: .*" + message):
        load(tmp_path)


def test_a_table_that_is_none_is_told(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool]\nreplayfuzz = 3\n")

    with pytest.raises(UsageError, match="not a table"):
        load(tmp_path)
