"""Both READMEs have the same structure, commands, addresses and links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from alertdrill.config.services import SERVICES

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
ALERT = re.compile(r"^ +- alert: (\w+)$", re.MULTILINE)
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def tokens(text: str) -> Iterator[Token]:
    for block in MarkdownIt("commonmark").enable("table").parse(text):
        yield block
        yield from block.children or ()


def levels(text: str) -> list[str]:
    """Return the level of each heading, in order."""
    return [token.tag for token in tokens(text) if token.type == "heading_open"]


def commands(text: str) -> list[list[str]]:
    """Return the lines of each block of code, without comments and empty lines."""
    blocks = [token.content for token in tokens(text) if token.type == "fence"]
    lines = [[re.sub(r"\s+# .*", "", line) for line in block.splitlines()] for block in blocks]
    return [[line for line in block if line] for block in lines]


def links(text: str) -> list[str]:
    """Return every target of a link or picture in order, without the link to the other README."""
    targets = [
        str(token.attrGet("href") or token.attrGet("src"))
        for token in tokens(text)
        if token.type in ("link_open", "image")
    ]
    return [target for target in targets if target not in (ENGLISH, CHINESE)]


def rows(text: str) -> int:
    """Return the number of rows of all tables."""
    return sum(token.type == "tr_open" for token in tokens(text))


@pytest.fixture
def english(root: Path) -> str:
    return (root / ENGLISH).read_text(encoding="utf-8")


@pytest.fixture
def chinese(root: Path) -> str:
    return (root / CHINESE).read_text(encoding="utf-8")


def test_headings_have_the_same_structure(english: str, chinese: str) -> None:
    assert len(levels(english)) > 5
    assert levels(english) == levels(chinese)


def test_commands_are_the_same(english: str, chinese: str) -> None:
    assert ["make up", "make drill D=InstanceHung"] in commands(english)
    assert commands(english) == commands(chinese)


def test_links_are_the_same(english: str, chinese: str) -> None:
    assert "docs/tutorial/first-drill.md" in links(english)
    assert links(english) == links(chinese)


def test_tables_and_addresses_are_the_same(english: str, chinese: str) -> None:
    assert rows(english) == rows(chinese)
    assert ADDRESS.findall(english) == ADDRESS.findall(chinese)


def test_each_links_to_the_other(english: str, chinese: str) -> None:
    assert f"({CHINESE})" in english
    assert f"({ENGLISH})" in chinese


@pytest.mark.parametrize("name", [ENGLISH, CHINESE])
def test_number_of_alerts_is_the_number_of_drills(root: Path, name: str) -> None:
    (count,) = re.findall(r"(\d+) (?:alerts|条告警)", (root / name).read_text(encoding="utf-8"))
    # Not those of one service alone, which are in the rule file of its name.
    own = [root / f"prometheus/rules/{service}.yml" for service in SERVICES]
    alerts = [alert for file in own if file.exists() for alert in ALERT.findall(file.read_text())]
    assert int(count) == len({file.stem for file in root.glob("drills/*.yml")} - {*alerts})


def test_picture_is_small(root: Path) -> None:
    assert 10_000 < (root / "docs/pictures/drill-report.png").stat().st_size < 150_000


def test_difference_is_detected() -> None:
    english, chinese = "# A\n\n```sh\nmake up  # start\n```\n\n[a](b.md)\n", "# B\n\n## C\n"
    assert levels(english) != levels(chinese)
    assert commands(english) == [["make up"]]
    assert links(english) == ["b.md"]
