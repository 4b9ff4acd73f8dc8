"""Where declarations of targets are found, and what a wrong one says."""

import pytest

from replayfuzz import declared
from replayfuzz.errors import TargetError, UsageError

OWN = 'dialects = ["sse"]\ncommand = ["my-reader"]\n'


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def test_shipped_targets_are_all_valid(folder):
    names = [target.name for target in declared.all_targets(folder)]

    assert names == sorted(names)
    assert {"openai-python", "anthropic-python", "ollama-python", "reference"} <= set(names)


@pytest.mark.parametrize("target", declared.all_targets(), ids=lambda target: target.name)
def test_shipped_targets_show_only_known_events_and_give_reasons(target):
    from replayfuzz.transcript import EVENT_FIELDS

    for kinds in target.reports.values():
        assert set(kinds) <= set(EVENT_FIELDS)
    assert all(len(reason) > 10 for reason in target.expect.values())


def test_a_file_is_found_by_its_path(folder):
    file = folder / "mine.toml"
    file.write_text(f'[target]\nname = "mine"\n{OWN}')

    found = declared.find(str(file))

    assert (found.name, found.source, found.variants) == ("mine", str(file), ("default",))


@pytest.mark.parametrize(
    ("name", "table"),
    [("pyproject.toml", "tool.replayfuzz.targets.mine"), ("replayfuzz.toml", "targets.mine")],
)
def test_a_project_declares_its_own(folder, name, table):
    (folder / name).write_text(f"[{table}]\n{OWN}")

    assert declared.find("mine", folder).command == ("my-reader",)


def test_a_project_may_replace_a_shipped_one(folder):
    (folder / "replayfuzz.toml").write_text(f"[targets.httpx-sse]\n{OWN}")

    assert declared.find("httpx-sse", folder).command == ("my-reader",)


def test_an_unknown_name_lists_the_near_ones(folder):
    with pytest.raises(UsageError, match=r"no target 'opanai-python'; did you mean openai-python"):
        declared.find("opanai-python", folder)


def test_a_file_that_is_not_there_says_what_a_target_is(folder):
    with pytest.raises(UsageError, match=r"nowhere.toml: No such file .*replayfuzz list targets"):
        declared.find(str(folder / "nowhere.toml"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("[target\n", "a declaration is TOML", id="not-toml"),
        pytest.param("x = 1\n", r"no \[target\] table", id="no-table"),
        pytest.param(
            f'[target]\nname = "a"\nsort = 1\n{OWN}', "unknown key 'sort'", id="unknown-key"
        ),
        pytest.param(
            '[target]\nname = "a"\ndialects = ["sse"]\n', "'command' is missing", id="no-command"
        ),
    ],
)
def test_a_wrong_declaration_names_its_file(folder, text, message):
    file = folder / "wrong.toml"
    file.write_text(text)

    with pytest.raises(TargetError, match=f"wrong.toml: .*{message}"):
        declared.find(str(file))


@pytest.mark.parametrize(
    "text", ["[tool.replayfuzz]\ntargets = 3\n", "[tool.replayfuzz.targets]\na = 3\n"]
)
def test_a_wrong_table_of_a_project_is_told(folder, text):
    (folder / "pyproject.toml").write_text(text)

    with pytest.raises(TargetError, match=r"pyproject.toml: .*tab"):
        declared.all_targets(folder)
