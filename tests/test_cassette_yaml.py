"""YAML as cassettes need it: exact, bounded, and never more clever than its reader."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from replayfuzz.cassette_yaml import block, load, pairs, scalar, wrapped
from replayfuzz.errors import CassetteError


def item(text):
    return load(f"key: {text}", file="f").mapping()["key"]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain text", "plain text"),
        ("text/event-stream; charset=utf-8", "text/event-stream; charset=utf-8"),
        ("https://h:1/p/q=1&r=%20", "https://h:1/p/q=1&r=%20"),
        ("https://h/p?q=1", '"https://h/p?q=1"'),
        ("", '""'),
        ("200", '"200"'),
        ("1e5", '"1e5"'),
        ("-", '"-"'),
        ("No", '"No"'),
        ("null", '"null"'),
        ("~", '"~"'),
        ("a: b", '"a: b"'),
        ("a,b", '"a,b"'),
        ("a #b", '"a #b"'),
        (" a", '" a"'),
        ("a ", '"a "'),
        ("http://", '"http://"'),
        ("é", '"é"'),
        ('"\\', '"\\"\\\\"'),
        ("\0\x01\t\n\r\x7f\x80\x85", '"\\0\\x01\\t\\n\\r\\x7f\\u0080\\N"'),
        ("\u2028\u2029\ufeff\u202e", '"\\L\\P\\ufeff\\u202e"'),
        ("👩\u200d💻", '"👩\u200d💻"'),
    ],
)
def test_a_scalar_is_quoted_where_it_could_be_misread(text, written):
    assert scalar(text) == written
    assert yaml.safe_load(f"[{written}]") == [text]
    assert item(written).text() == text


ascii_texts = st.text(st.characters(codec="ascii"), max_size=8)
likely_plain = st.text("abcNO .:/?&=%+-_;()#,", max_size=8)


@given(*[st.one_of(likely_plain, ascii_texts, st.text())] * 2)
def test_any_text_is_a_key_and_a_value_in_flow_and_in_block(key, value):
    pair = f"{scalar(key)}: {scalar(value)}"

    for loader in (yaml.SafeLoader, yaml.CSafeLoader):
        assert yaml.load(pair, loader) == {key: value}
        assert yaml.load(f"{{{pair}}}", loader) == {key: value}


@pytest.mark.parametrize(
    ("data", "written"),
    [
        (b"", ' ""'),
        (b"a", " |-\n  a"),
        (b"a\n", " |\n  a"),
        (b"a\n\n", " |+\n  a\n"),
        (b"a\n\nb", " |-\n  a\n\n  b"),
        (b"\n", ' "\\n"'),
        (b"\na", ' "\\n\\\n  a"'),
        (b" a", ' " a"'),
        (b"a \nb", ' "a \\n\\\n  b"'),
        (b"a\n b", " |-\n  a\n   b"),
        (b"a\r\n b", ' "a\\r\\n\\\n  \\ b"'),
        (b"a\n# no comment\n--- no mark", " |-\n  a\n  # no comment\n  --- no mark"),
        (b"\xff", " !!binary |\n  /w=="),
        (b"\xff" * 58, " !!binary |\n  " + "/" * 76 + "\n  /w=="),
    ],
)
def test_a_block_shows_its_lines(data, written):
    assert block(data, 2) == written
    assert load(f"k:{written}\nnext: 1", file="f").mapping()["k"].data() == data


def test_a_long_list_is_wrapped():
    assert wrapped([], 2, 20) == "[]"
    assert wrapped("abc", 2, 20) == "[a, b, c]"
    assert wrapped(["1" * 9, "2" * 9, "3"], 2, 20) == "[111111111,\n  222222222, 3]"


@pytest.mark.parametrize("null", ["", "~", "null", "Null", "NULL", '!!null ""'])
def test_null_is_nothing_of_every_kind(null):
    value = item(null)

    assert value.is_null
    assert (value.text(), value.data(), value.mapping()) == ("", b"", {})


def test_quoted_null_is_the_word():
    assert item('"null"').text() == "null"
    assert not item("'null'").is_null


@pytest.mark.parametrize("text", ["no", "0x10", "1.50", "2026-01-01", "1_000", "=", "!!str 5"])
def test_a_text_is_what_was_spelt(text):
    """A YAML reader would make a flag, a number or a date of most of these."""
    assert item(text).text() == text.removeprefix("!!str ")


@pytest.mark.parametrize(
    ("text", "read", "message"),
    [
        ("a", "items", "'key' is a text, not a list"),
        ("{}", "items", "'key' is a mapping, not a list"),
        ("[]", "mapping", "'key' is a list, not a mapping"),
        ("[]", "text", "'key' is a list, not a text"),
        ("[]", "data", "'key' is a list, not a text"),
        ("!!binary aa==", "text", "'key' is !!binary, not a text"),
        ("!!binary a", "data", "not base64"),
        ("!!binary é", "data", "not base64"),
        ("-1", "whole", "not a whole number from 0 to"),
        ("1.0", "whole", "not a whole number"),
        ("٣", "whole", "not a whole number"),
        ("inf", "number", "not a number of seconds"),
        ("0x1", "number", "not a number of seconds"),
        ("٣", "number", "not a number of seconds"),
        ("x" * 99, "number", f"is '{'x' * 37}…', not"),
    ],
)
def test_a_value_of_another_kind_is_told(text, read, message):
    with pytest.raises(CassetteError, match=re.escape(message)):
        getattr(item(text), read)()


def test_numbers_are_read():
    assert (item("12").whole(), item("0.021").number(), item("1e-3").number()) == (12, 0.021, 0.001)
    assert item("!!int '5'").whole() == 5


def test_half_a_surrogate_pair_is_told_by_either_parser(monkeypatch):
    """libyaml refuses the escape; Python's parser lets it through, so the bytes cannot be had."""
    with pytest.raises(CassetteError, match="is not YAML"):
        item('"\\ud800"')
    monkeypatch.setattr("replayfuzz.cassette_yaml.read._LOADER", yaml.SafeLoader)
    with pytest.raises(CassetteError, match="half of a surrogate pair"):
        item('"\\ud800"').data()


def test_without_libyaml_the_same_is_read(monkeypatch):
    text = "a: &x [1, !!binary aGk=]\nb: {c: *x, d: |+\n    e\n\n  }\n" + 'f: "\\L"\n'
    text = text.replace("d: |+\n    e\n\n  ", "d: e")
    ours = load(text, file="f")
    monkeypatch.setattr("replayfuzz.cassette_yaml.read._LOADER", yaml.SafeLoader)

    assert load(text, file="f") == ours


def test_lines_and_names_point_at_the_value():
    top = load("a: 1\nb:\n  - c: 2\n    d:\n    - 3\n", file="f").mapping()
    (entry,) = top["b"].items()

    assert (top["a"].line, top["a"].name) == (1, "a")
    assert (entry.line, entry.name) == (3, "b")
    assert (entry.mapping()["d"].items()[0].line, entry.mapping()["d"].items()[0].name) == (5, "d")


def test_fields_are_single_values_or_lists():
    value = item("{a: 1, b: [x, 'y'], c: [], d: null}")

    assert list(pairs(value)) == [("a", "1"), ("b", "x"), ("b", "y"), ("d", "")]


@pytest.mark.parametrize(
    "tag", ["!x", "!!set", "!!timestamp", "!!omap", "!!merge", "!!python/none"]
)
def test_tags_are_refused_wherever_they_stand(tag):
    for text in (f"a: {tag} b", f"a: {tag} [b]", f"a: {tag} {{b: c}}", f"{tag} a: b"):
        with pytest.raises(CassetteError, match=re.escape(f"tag '{tag}' is refused")) as caught:
            load(f"# first\n{text}", file="f")
        assert caught.value.line == 2
