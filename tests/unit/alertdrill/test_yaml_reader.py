from dataclasses import replace
from pathlib import Path

import pytest

from alertdrill.drills.errors import InvalidDrillError
from alertdrill.yaml_reader import YamlSection, YamlSource, load_yaml

SOURCE = YamlSource("drills/Down.yml", "a drill is a mapping", InvalidDrillError)


def section(folder: Path, text: str) -> YamlSection:
    file = folder / "Down.yml"
    file.write_text(text)
    return load_yaml(file, SOURCE)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("1h30m", 5400), ("250ms", 0.25), ("0s", 0), ("2d", 172_800), ("10m5s", 605)],
)
def test_duration_is_parsed_to_seconds(tmp_path: Path, text: str, seconds: float) -> None:
    assert section(tmp_path, f"a: {text}").seconds("a") == seconds


@pytest.mark.parametrize("text", ["90", "-5s", "1.5h", "5 s", "s", "fast", "1w", "'10s '' '"])
def test_invalid_duration_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:2: a is .* such as 90s or"):
        section(tmp_path, f"b: 1\na: {text}").seconds("a")


@pytest.mark.parametrize("text", ["ten", ".inf", "nan", "true", "1e999"])
def test_number_must_be_finite(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:1: a must be a number.$"):
        section(tmp_path, f"a: {text}").number("a")


def test_missing_values_have_their_defaults(tmp_path: Path) -> None:
    values = section(tmp_path, "other: 1")
    assert values.text("a", "x") == "x"
    assert values.number("a", 2.5) == 2.5
    assert values.seconds("a", "3s") == 3
    assert values.flag("a") is False
    assert values.sections("a") == []
    assert not values.is_section("a")


@pytest.mark.parametrize("text", ["[1]", "{b: 1}", "", "''", "'  '"])
def test_missing_or_empty_text_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:1: a must be a text.$"):
        section(tmp_path, f"a: {text}").text("a")


@pytest.mark.parametrize("text", ["yes", "1", "True"])
def test_flag_is_true_or_false(tmp_path: Path, text: str) -> None:
    assert section(tmp_path, "a: true").flag("a") is True
    with pytest.raises(InvalidDrillError, match="use true or false"):
        section(tmp_path, f"a: {text}").flag("a")


def test_duplicate_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:3: a is a duplicate key.$"):
        section(tmp_path, "a: 1\nb: 2\na: 3")


def test_missing_key_is_refused_with_the_line_of_its_section(tmp_path: Path) -> None:
    values = section(tmp_path, "a: 1\nb:\n  c: 2\n").section("b")
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:3: d is missing.$"):
        values.require("c", "d")


def test_unknown_key_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidDrillError, match=r":2: b is unknown: known keys are a, c\.$"):
        section(tmp_path, "a: 1\nb: 2").only(["a", "c"])


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: 1", "a must be a list"), ("a: [{b: 1}, 2]", "a must be a list of mappings")],
)
def test_list_of_mappings_refuses_other_items(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidDrillError, match=rf"^drills/Down.yml:1: {message}\.$"):
        section(tmp_path, text).sections("a")


@pytest.mark.parametrize(
    ("text", "message"),
    [("a: 1", "a must be a list, as in"), ("a: [b, {c: 1}]", "a must be a list of texts")],
)
def test_list_of_texts_refuses_other_items(tmp_path: Path, text: str, message: str) -> None:
    assert section(tmp_path, "a: [b, c d]").texts("a") == ["b", "c d"]
    with pytest.raises(InvalidDrillError, match=rf"^drills/Down.yml:1: {message}"):
        section(tmp_path, text).texts("a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ":1: a drill is a mapping."),
        ("- a", ":1: a drill is a mapping."),
        ("a: 1\nb: [", "it is not valid YAML"),
        ("a: 1\n--- \nb: 2", "it is not valid YAML"),
        ("a: 1\nb: *c", ":2: it is not valid YAML (found undefined alias 'c')."),
    ],
)
def test_file_that_is_not_a_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidDrillError) as error:
        section(tmp_path, text)
    assert str(error.value).startswith("drills/Down.yml:")
    assert message in str(error.value)


def test_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/No.yml:1: cannot read it \(No such"):
        load_yaml(tmp_path / "No.yml", replace(SOURCE, name="drills/No.yml"))
    (tmp_path / "Down.yml").write_bytes(b"a: \xff")
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:1: it is not UTF-8.$"):
        load_yaml(tmp_path / "Down.yml", SOURCE)


@pytest.mark.parametrize("text", ["a: \x07", "? [a, b]\n: c\n", "? {a: b}\n: c\n"])
def test_unsupported_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidDrillError, match=r"^drills/Down.yml:\d+: "):
        section(tmp_path, text)
