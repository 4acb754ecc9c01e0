"""The word list finds a word wherever a reader would, and nothing else."""

from __future__ import annotations

import pytest

from docs.style.__main__ import is_listed, places_in

# Words of the test's own: the list has those that no file may use.
WORDS = {"grue": "unhealthy", "so blue": "the number", r"\w*oldname\w*": "Alertdrill"}


@pytest.mark.parametrize(
    "text",
    [
        "A grue instance.",
        "Grue",
        "is_grue = True",
        "so blue",
        "so\nblue",
        "so\n    # blue",
        "Oldname",
    ],
)
def test_word_is_found(text: str) -> None:
    assert len(list(places_in(text, WORDS))) == 1


@pytest.mark.parametrize("text", ["gruel", "congrue", "so much, blue", "old name"])
def test_other_words_are_not_found(text: str) -> None:
    assert list(places_in(text, WORDS)) == []


def test_match_has_its_line_and_replacement() -> None:
    assert list(places_in("one\ntwo grue\n", WORDS)) == ["2: 'grue': write unhealthy"]


@pytest.mark.parametrize("path", ["docs/a.md", "docs/x/a.md", "b.txt"])
def test_listed_paths_are_skipped(path: str) -> None:
    assert is_listed(path, ["docs", "*.txt"])


def test_other_paths_are_not_skipped() -> None:
    assert not is_listed("docs2/a.md", ["docs", "*.txt"])
