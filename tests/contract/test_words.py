"""The word list finds a word wherever a reader would, and nothing else."""

from __future__ import annotations

import pytest

from docs.style.__main__ import is_listed, places_in

WORDS = {"sick": "unhealthy", "so many": "the number", r"\w*firedrill\w*": "Alertdrill"}


@pytest.mark.parametrize(
    "text",
    [
        "A sick instance.",
        "Sick",
        "is_sick = True",
        "so many",
        "so\nmany",
        "so\n    # many",
        "Firedrill",
    ],
)
def test_word_is_found(text: str) -> None:
    assert len(list(places_in(text, WORDS))) == 1


@pytest.mark.parametrize("text", ["sickle", "homesick", "so much, many", "fire drill"])
def test_other_words_are_not_found(text: str) -> None:
    assert list(places_in(text, WORDS)) == []


def test_match_has_its_line_and_replacement() -> None:
    assert list(places_in("one\ntwo sick\n", WORDS)) == ["2: 'sick': write unhealthy"]


@pytest.mark.parametrize("path", ["docs/a.md", "docs/x/a.md", "b.txt"])
def test_listed_paths_are_skipped(path: str) -> None:
    assert is_listed(path, ["docs", "*.txt"])


def test_other_paths_are_not_skipped() -> None:
    assert not is_listed("docs2/a.md", ["docs", "*.txt"])
