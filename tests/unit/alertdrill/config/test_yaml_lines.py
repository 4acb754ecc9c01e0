from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, Field

from alertdrill.config.yaml_lines import Seconds, YamlDocument, YamlModel, sentence
from alertdrill.errors import AlertdrillError


class FileError(AlertdrillError):
    pass


def short(value: str) -> str:
    if len(value) > 3:
        raise ValueError("use three letters")
    return value


class Stop(YamlModel):
    kind: Literal["stop"]
    target: str


class Slow(YamlModel):
    kind: Literal["slow"]
    seconds: float = Field(gt=0)


class Drill(YamlModel):
    alert: str = Field(default="x", min_length=1)
    word: Annotated[str, AfterValidator(short)] = "x"
    deadline: Seconds = 1.0
    number: float = 1.0
    count: int = 1
    flag: bool = False
    names: Sequence[str] = ()
    fault: Annotated[Stop | Slow, Field(discriminator="kind")] | None = None
    start: float = Field(default=0.0, validation_alias="from")


def document(folder: Path, text: str | bytes) -> YamlDocument:
    file = folder / "drills" / "Down.yml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return YamlDocument(file, FileError)


def refusal(folder: Path, text: str | bytes, model: Any = Drill) -> str:
    with pytest.raises(FileError) as error:
        document(folder, text).parse(model)
    return str(error.value).removeprefix("drills/Down.yml:")


def test_values_have_the_types_of_the_model(tmp_path: Path) -> None:
    text = "alert: Down\ndeadline: 1h30m\nnumber: 1e3\nflag: true\nfrom: 2\nnames: [no, 010, 1:30]"
    drill = document(tmp_path, text).parse(Drill)
    assert (drill.alert, drill.deadline, drill.number, drill.flag) == ("Down", 5400, 1000, True)
    assert (drill.names, drill.start, drill.fault) == (["no", "010", "1:30"], 2, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: it is empty."),
        ("- a", "1: it must be a mapping, as in {name: value}."),
        ("alert: 1\ncount: 1\nalert: 3", "3: it is not valid YAML (alert is a duplicate key)."),
        ("? [a, b]\n: c\n", "1: it is not valid YAML (a key must be a word)."),
        ("alert: x\nfluff: 1", "2: fluff is unknown: known keys are alert, word, deadline, number"),
        ("alert: [1]", "1: alert must be a text."),
        ("alert: ''", "1: alert must be a text."),
        ("word: tall", "1: word is 'tall': use three letters."),
        ("names: a", "1: names must be a list, as in [one, two]."),
        ("names:\n- a\n- {b: 1}", "3: item 2 of names must be a text."),
        ("count: 1.5", "1: count must be a whole number."),
        ("flag: 'on it'", "1: flag must be true or false."),
        ("fault: {kind: stop}", "1: target is missing."),
        ("fault:\n  kind: slow\n  seconds: 0", "3: seconds is '0': it should be greater than 0."),
        ("fault: 1", "1: fault must be a mapping, as in {name: value}."),
        ("fault: {}", "1: kind is missing."),
        ("fault: {kind: melt}", "1: kind is 'melt': use 'stop', 'slow'."),
        ("alert: *c", "1: it is not valid YAML (found undefined alias 'c')."),
        ("alert: [", "1: it is not valid YAML ("),
        ("alert: 1\n--- \nb: 2", "2: it is not valid YAML ("),
        ("alert: \x07", "1: it is not valid YAML ("),
        (b"alert: \xff", "1: it is not UTF-8."),
        ("alert: x\ncount: !!int 'abc'", "2: it is not valid YAML (!!int 'abc')."),
        ("alert: x\ncount: !x y", "2: it is not valid YAML (!x 'y')."),
        ("alert: x\n<<: 3", "1: it is not valid YAML (!!map)."),
        (f"alert: x\ncount: {'9' * 5000}", "2: it is not valid YAML (!!int '999"),
        (f"alert: {'[' * 3000}", "1: it is nested too deep."),
    ],
)
def test_invalid_value_is_refused_with_its_line(
    tmp_path: Path, text: str | bytes, message: str
) -> None:
    assert refusal(tmp_path, text).startswith(message)


@pytest.mark.parametrize("text", ["ten", ".inf", "nan", "true", "1e999", "[1]"])
def test_number_must_be_finite(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path, f"number: {text}") == "1: number must be a number."


@pytest.mark.parametrize("text", ["90", "-5s", "1.5h", "5 s", "s", "fast", "'10s '' '"])
def test_duration_needs_a_unit_in_a_file(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, f"alert: x\ndeadline: {text}")
    assert message.startswith("2: deadline is ")
    assert message.endswith("use a duration such as 90s or 1h30m.")
    assert Drill(deadline=90).deadline == 90


def test_first_error_of_the_file_is_reported(tmp_path: Path) -> None:
    assert refusal(tmp_path, "number: x\nalert: []") == "1: number must be a number."


def test_sentence_of_a_validator_stands_alone(tmp_path: Path) -> None:
    def check(value: dict[str, int]) -> dict[str, int]:
        raise sentence("b is not fine", "b")

    message = refusal(tmp_path, "a: 1\nb: 2", Annotated[dict[str, int], AfterValidator(check)])
    assert message == "2: b is not fine."


def test_merged_and_aliased_values_are_read(tmp_path: Path) -> None:
    text = "a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n"
    parsed = document(tmp_path, text).parse(dict[str, dict[str, int]])
    assert parsed == {"a": {"x": 1}, "b": {"x": 1, "y": 2}, "c": {"x": 1}}


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"/none.yml:1: cannot read it \(No such"):
        YamlDocument(tmp_path / "none.yml", FileError)


def test_refusal_names_the_line_of_a_place(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"^drills/Down.yml:3: too late\.$"):
        document(tmp_path, "a: x\nfault:\n  target: web\n").refuse("too late", "fault", "target")
