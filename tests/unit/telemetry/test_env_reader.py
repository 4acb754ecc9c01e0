from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alertdrill_telemetry import EnvReader, SettingsError

REFUSED: list[tuple[Callable[[EnvReader], Any], str]] = [
    (lambda env: env.integer("X", 1), "one"),
    (lambda env: env.integer("X", 1), "1.5"),
    (lambda env: env.integer("X", 1), "-1"),
    (lambda env: env.integer("X", 1, at_least=1, at_most=9), "10"),
    (lambda env: env.number("X", 1.0), "much"),
    (lambda env: env.number("X", 1.0), "nan"),
    (lambda env: env.number("X", 1.0), "inf"),
    (lambda env: env.number("X", 1.0, at_least=0.5), "0.4"),
    (lambda env: env.number("X", 1.0, at_most=2), "2.1"),
    (lambda env: env.flag("X", default=True), "maybe"),
    (lambda env: env.choice("X", "a", ("a", "b")), "c"),
    (lambda env: env.url("X", ""), "ftp://host"),
    (lambda env: env.url("X", ""), "host:5001"),
    (lambda env: env.url("X", ""), "http://"),
    (lambda env: env.url("X", ""), "http://host:99999"),
    (lambda env: env.url("X", ""), "http://[::1"),
]


@pytest.mark.parametrize(("read", "value"), REFUSED)
def test_bad_value_names_the_variable(read: Callable[[EnvReader], Any], value: str) -> None:
    with pytest.raises(SettingsError, match=r"^X is '.*': it must be ") as refused:
        read(EnvReader({"X": value}))
    assert repr(value) in str(refused.value)


def test_missing_value_names_the_variable() -> None:
    for read in (EnvReader({}).text, EnvReader({}).path):
        with pytest.raises(SettingsError, match=r"^X is not set"):
            read("X")


@pytest.mark.parametrize("variables", [{}, {"X": ""}, {"X": "  "}])
def test_unset_or_empty_means_default(variables: dict[str, str]) -> None:
    env = EnvReader(variables)
    assert env.text("X", "word") == "word"
    assert env.integer("X", 3) == 3
    assert env.number("X", 0.5) == 0.5
    assert env.flag("X", default=True) is True
    assert env.choice("X", "a", ("a", "b")) == "a"
    assert env.url("X", "http://host") == "http://host"
    assert env.path("X", Path("here")) == Path("here")


def test_environment_bounds_are_inclusive() -> None:
    assert EnvReader({"X": "9"}).integer("X", 1, at_least=9, at_most=9) == 9
    assert EnvReader({"X": "0.5"}).number("X", 1.0, at_least=0.5, at_most=0.5) == 0.5


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False)]
)
def test_flag_has_several_spellings(text: str, value: bool) -> None:
    assert EnvReader({"X": text}).flag("X", default=not value) is value


def test_url_loses_its_trailing_slash() -> None:
    assert EnvReader({"X": "http://host:5001/"}).url("X", "") == "http://host:5001"
